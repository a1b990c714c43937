# Revaer in a container: both programs, libtorrent and a PostgreSQL server, run as nobody in particular.
#
#   docker build -t revaer .
#   docker run --network host -v revaer-data:/data revaer
#
# The service listens on loopback alone until there are keys to guard it, hence the host's network.

FROM rust:1.95-bookworm AS build
RUN apt-get -q update \
    && apt-get -q install -y --no-install-recommends libtorrent-rasterbar-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --locked --release -p revaer-server -p revaer-cli

FROM debian:bookworm-slim
# Only the server's programs are wanted: the package would make a cluster for the whole system.
RUN mkdir -p /etc/postgresql-common/createcluster.d \
    && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.d/none.conf \
    && apt-get -q update \
    && apt-get -q install -y --no-install-recommends ca-certificates libtorrent-rasterbar2.0 postgresql util-linux \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin revaer \
    && install -d -o revaer -m 0700 /data
COPY --from=build /src/target/release/revaerd /src/target/release/revaer /usr/local/bin/
USER revaer
VOLUME /data
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["revaerd", "healthcheck"]
# Ending in order saves resume data and stops the database.
STOPSIGNAL SIGTERM
ENTRYPOINT ["revaerd", "--data-dir", "/data"]
