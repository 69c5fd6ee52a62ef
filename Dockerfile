# The image of Halia. With a folder wheels/ in the build context (scripts/image.sh makes it) the
# build needs no network; without, packages come from where pip and apt are set to look.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
COPY . /src
WORKDIR /src
RUN set -eu; \
    if [ ! -d wheels ]; then \
        apt-get update; \
        apt-get install -y --no-install-recommends gcc libc6-dev python3-dev python3-venv; \
    fi; \
    python3 -m venv /opt/halia; \
    if [ -d wheels ]; then \
        /opt/halia/bin/pip install --quiet --no-index --find-links wheels 'halia[zstd,live]'; \
    else \
        /opt/halia/bin/pip install --quiet '.[zstd,live]'; \
    fi

FROM ${BASE}
LABEL org.opencontainers.image.title="halia" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN command -v python3 >/dev/null || { \
        apt-get update && apt-get install -y --no-install-recommends python3 \
        && rm -rf /var/lib/apt/lists/*; }
COPY --from=build /opt/halia /opt/halia
RUN useradd --system --uid 901 --no-create-home --shell /usr/sbin/nologin halia
ENV PATH=/opt/halia/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1
USER halia
ENTRYPOINT ["halia"]
CMD ["--help"]
