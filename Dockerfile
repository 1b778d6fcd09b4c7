# An image with nothing in it but the demo: one static program. `make image` builds it.
ARG BASE=debian:trixie
FROM ${BASE} AS build
WORKDIR /src
COPY . .
ARG VERSION=
RUN ./setup.sh && ${VERSION:+env OXBPF_VERSION="$VERSION"} cargo xtask install /out

FROM scratch
COPY --from=build /out/bin/exec-count /exec-count
ENTRYPOINT ["/exec-count"]
