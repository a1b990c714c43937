# Revaer in a container: both programs, libtorrent and a PostgreSQL server, run as nobody in particular.
#
#   docker build -t revaer .
#   docker run --read-only --tmpfs /tmp -v revaer-data:/data -p 127.0.0.1:7070:7070 --name revaer revaer
#   docker exec revaer revaer setup complete
#
# `compose.yaml` has the service with a PostgreSQL of its own container and a folder of media; docs/operating/container.md says
# more. `scripts/image-check` builds this file's last stage and tries it as it is meant to be run.

# What a machine without a registry has under other names.
ARG RUST_IMAGE=docker.io/library/rust:1.95-bookworm
ARG DEBIAN_IMAGE=docker.io/library/debian:bookworm-slim

FROM ${RUST_IMAGE} AS build
RUN apt-get -q update \
    && apt-get -q install -y --no-install-recommends libtorrent-rasterbar-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --locked --release -p revaer-server -p revaer-cli

FROM ${DEBIAN_IMAGE}
# Of PostgreSQL only the server's programs are wanted: the package would make a cluster for the whole system. What it compiles
# queries with is an eighth of the image and never loaded, since the service switches that off. The two extractors are for what
# a library profile may unpack.
RUN mkdir -p /etc/postgresql-common/createcluster.d \
    && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.d/none.conf \
    && apt-get -q update \
    && apt-get -q install -y --no-install-recommends \
        ca-certificates libtorrent-rasterbar2.0 p7zip-full postgresql unar util-linux \
    && rm -rf /var/lib/apt/lists/* /usr/lib/*/libLLVM* /usr/lib/llvm* /usr/lib/postgresql/*/lib/bitcode \
        /usr/lib/postgresql/*/lib/llvmjit* \
    && useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin revaer \
    && install -d -o revaer -m 0700 /data
COPY --from=build /src/target/release/revaerd /src/target/release/revaer /usr/local/bin/
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Revaer" \
    org.opencontainers.image.description="A headless torrent service with a memory" \
    org.opencontainers.image.licenses="MIT OR Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
# Where the client keeps the first key, so that `docker exec` finds it again.
ENV REVAER_KEY_FILE=/data/keys.json
USER revaer
# Nothing else is written to, but /tmp: the root may be mounted read-only.
VOLUME /data
EXPOSE 7070 6881
HEALTHCHECK --interval=30s --timeout=6s --start-period=60s CMD ["revaerd", "healthcheck"]
# Ending in order saves resume data and stops the database.
STOPSIGNAL SIGTERM
ENTRYPOINT ["revaerd", "--data-dir", "/data"]
