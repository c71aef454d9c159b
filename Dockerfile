# The program in a small image, and (stage `tests`) the whole suite in one that has everything it needs.
#   docker build -t migrate .
#   docker run --rm --env-file .env migrate run

FROM swift:6.3-bookworm AS source
ENV MIGRATE_CACHE_DIR=/opt/migrate
WORKDIR /src
COPY scripts ./scripts
COPY Tests/Integration/Support/python/requirements.txt ./Tests/Integration/Support/python/
# Only the scripts and this list decide what is installed, so a change to the sources does not install it again.
RUN apt-get update -q && scripts/setup && rm -rf /var/lib/apt/lists/*

FROM source AS tests
COPY . .
RUN swift build --build-tests
CMD ["swift", "test", "--skip-build", "--filter", "^Integration\\."]

FROM source AS build
COPY . .
RUN scripts/release && products=$(swift build -c release --static-swift-stdlib --show-bin-path) \
    && install -D -t /out "$products/migrate" "$products/migrate-lab"

FROM debian:bookworm-slim AS lab
COPY --from=build /out/migrate-lab /usr/local/bin/migrate-lab
ENTRYPOINT ["migrate-lab"]
CMD ["--help"]

FROM debian:bookworm-slim
RUN apt-get update -q \
    && apt-get install -q -y --no-install-recommends ca-certificates libcurl4 libmariadb3 libpq5 libsqlite3-0 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --home-dir /nonexistent migrate \
    && install -d -o migrate /var/lib/migrate
COPY --from=build /out/migrate /usr/local/bin/migrate
COPY --from=source /opt/migrate/cl100k_base.tiktoken /usr/local/share/migrate/cl100k_base.tiktoken
ENV TOKENIZER_VOCABULARY=/usr/local/share/migrate/cl100k_base.tiktoken STATE_DIRECTORY=/var/lib/migrate
USER migrate
ENTRYPOINT ["migrate"]
CMD ["--help"]
