#!/bin/sh
# The first step on a bare machine: Rust, and what it cannot do without. Everything after that is `cargo xtask setup`.
set -eu
minimum=85 # Rust 1.85
PATH=$HOME/.cargo/bin:$PATH

# Is there a cargo, and is it new enough?
rust() {
    minor=$(cargo --version 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\).*/\1/p')
    [ "${minor:-0}" -ge $minimum ]
}
# The version that apt would install: Debian numbers cargo 0.66 for Rust 1.65 and 1.85 for Rust 1.85.
offered() {
    apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: \([0-9].*\)/\1/p'
}
as_root() {
    if [ "$(id -u)" = 0 ]; then env DEBIAN_FRONTEND=noninteractive "$@"; else sudo env DEBIAN_FRONTEND=noninteractive "$@"; fi
}
install() {
    echo "installing $*"
    as_root apt-get install -qq -y --no-install-recommends "$@" >/dev/null
}

certificates=/etc/ssl/certs/ca-certificates.crt # without them cargo fetches nothing

if rust && command -v cc >/dev/null && [ -e $certificates ]; then exit 0; fi
if ! command -v apt-get >/dev/null; then
    echo "install Rust 1.$minimum or newer (with rustup) and a C compiler, and try again" >&2
    exit 1
fi
as_root apt-get update -qq
command -v cc >/dev/null || install gcc libc6-dev
[ -e $certificates ] || install ca-certificates
if ! rust; then
    if dpkg --compare-versions "$(offered cargo)" ge 1.$minimum; then
        install cargo rustc
    elif [ -n "$(offered rustup)" ]; then
        command -v rustup >/dev/null || install rustup
        rustup default stable
    fi
fi
if ! rust; then
    echo "no Rust 1.$minimum or newer here, and apt has none: install it with rustup, and try again" >&2
    exit 1
fi
