//! Enough JSON to read what cargo says about its work.

use crate::process::Result;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// As written.
    Number(String),
    String(String),
    Array(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

impl Json {
    pub(crate) fn parse(text: &str) -> Result<Json> {
        let mut parser = Parser { rest: text };
        let value = parser.value()?;
        parser.space();
        if parser.rest.is_empty() {
            Ok(value)
        } else {
            Err(parser.unexpected())
        }
    }

    /// The member of an object; of anything else, nothing.
    pub(crate) fn get(&self, key: &str) -> &Json {
        match self {
            Json::Object(members) => members.get(key).unwrap_or(&Json::Null),
            _ => &Json::Null,
        }
    }

    pub(crate) fn str(&self) -> Option<&str> {
        if let Json::String(text) = self {
            Some(text)
        } else {
            None
        }
    }

    pub(crate) fn array(&self) -> &[Json] {
        if let Json::Array(items) = self {
            items
        } else {
            &[]
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn unexpected(&self) -> Box<dyn std::error::Error> {
        let near: String = self.rest.chars().take(20).collect();
        format!("not JSON near `{near}`").into()
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn accept(&mut self, token: &str) -> bool {
        self.space();
        let after = self.rest.strip_prefix(token);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn expect(&mut self, token: &str) -> Result<()> {
        if self.accept(token) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn value(&mut self) -> Result<Json> {
        self.space();
        match self.rest.chars().next() {
            Some('{') => self.object(),
            Some('[') => self.array(),
            Some('"') => Ok(Json::String(self.string()?)),
            Some('-' | '0'..='9') => Ok(self.number()),
            _ if self.accept("null") => Ok(Json::Null),
            _ if self.accept("true") => Ok(Json::Bool(true)),
            _ if self.accept("false") => Ok(Json::Bool(false)),
            _ => Err(self.unexpected()),
        }
    }

    fn number(&mut self) -> Json {
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)));
        let (number, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        Json::Number(number.to_owned())
    }

    fn array(&mut self) -> Result<Json> {
        self.expect("[")?;
        let mut items = Vec::new();
        while !self.accept("]") {
            if !items.is_empty() {
                self.expect(",")?;
            }
            items.push(self.value()?);
        }
        Ok(Json::Array(items))
    }

    fn object(&mut self) -> Result<Json> {
        self.expect("{")?;
        let mut members = BTreeMap::new();
        while !self.accept("}") {
            if !members.is_empty() {
                self.expect(",")?;
            }
            self.space();
            let key = self.string()?;
            self.expect(":")?;
            members.insert(key, self.value()?);
        }
        Ok(Json::Object(members))
    }

    fn string(&mut self) -> Result<String> {
        self.expect("\"")?;
        let mut units: Vec<u16> = Vec::new();
        loop {
            let mut chars = self.rest.chars();
            let c = chars.next().ok_or_else(|| self.unexpected())?;
            self.rest = chars.as_str();
            match c {
                '"' => return String::from_utf16(&units).map_err(|error| error.to_string().into()),
                '\\' => units.push(self.escape()?),
                c => units.extend_from_slice(c.encode_utf16(&mut [0; 2])),
            }
        }
    }

    fn escape(&mut self) -> Result<u16> {
        let (c, length) = match self.rest.as_bytes().first() {
            Some(b'u') => {
                let digits = self.rest.get(1..5).ok_or_else(|| self.unexpected())?;
                (
                    u16::from_str_radix(digits, 16).map_err(|_| self.unexpected())?,
                    5,
                )
            }
            Some(b'n') => (0x0a, 1),
            Some(b't') => (0x09, 1),
            Some(b'r') => (0x0d, 1),
            Some(b'b') => (0x08, 1),
            Some(b'f') => (0x0c, 1),
            Some(other @ (b'"' | b'\\' | b'/')) => (u16::from(*other), 1),
            _ => return Err(self.unexpected()),
        };
        self.rest = &self.rest[length..];
        Ok(c)
    }
}

#[cfg(test)]
mod tests {
    use super::Json;

    #[test]
    fn reads_what_cargo_writes() {
        let text = r#" {"reason":"x","test":true,"none":null,"n":-1.5e3,"kind":["a", "b"],"o":{},"e":[]} "#;
        let json = Json::parse(text).unwrap();
        assert_eq!(json.get("reason").str(), Some("x"));
        assert_eq!(*json.get("test"), Json::Bool(true));
        assert_eq!(*json.get("none"), Json::Null);
        assert_eq!(*json.get("n"), Json::Number("-1.5e3".into()));
        assert_eq!(
            json.get("kind").array(),
            [Json::String("a".into()), Json::String("b".into())]
        );
        assert_eq!(*json.get("o").get("missing"), Json::Null);
    }

    #[test]
    fn strings_lose_their_escapes() {
        let json = Json::parse(r#""a\"b\\c\/\n\u00e9\ud83d\ude00é""#).unwrap();
        assert_eq!(json.str(), Some("a\"b\\c/\né\u{1f600}é"));
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "",
            "{",
            "[1",
            "[1 2]",
            "{\"a\" 1}",
            "\"a",
            "\"\\x\"",
            "\"\\u12\"",
            "nul",
            "{} {}",
        ] {
            assert!(Json::parse(text).is_err(), "{text}");
        }
    }
}
