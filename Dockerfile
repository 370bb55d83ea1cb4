# syntax=docker/dockerfile:1
# Three stages: the browser client, the binary that embeds it, and a small image that runs as nobody in particular.

FROM node:20.19.5-bookworm-slim AS web
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund --ignore-scripts
COPY web/ ./
RUN npm run build -- --outDir /dist --emptyOutDir --logLevel warn

FROM rust:1.95.0-bookworm AS server
WORKDIR /src
COPY . .
COPY --from=web /dist /dist
# The ready client: no Node in this stage.
ENV YUNZHEN_WEB_DIST=/dist CARGO_INCREMENTAL=0
# The target folder is a cache and not part of the image, so the binary is copied out in the same step.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin yunzhen && cp target/release/yunzhen /yunzhen
# Chinese letters for documents.
RUN apt-get update -q && apt-get install -y -q --no-install-recommends fonts-noto-cjk
# A folder that the image's user owns; a volume mounted here starts with the same owner.
RUN mkdir /empty

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=server --chown=65532:65532 /empty /data
COPY --from=server /yunzhen /usr/local/bin/yunzhen
COPY --from=server /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc /usr/share/fonts/opentype/noto/
ENV YUNZHEN_DATA_DIR=/data \
    YUNZHEN_HTTP_ADDR=0.0.0.0:8080 \
    YUNZHEN_MEDIA_ADDR=0.0.0.0:8443
USER 65532:65532
VOLUME /data
# HTTP and WebSocket; all media on one UDP port.
EXPOSE 8080/tcp 8443/udp
STOPSIGNAL SIGTERM
# No shell and no curl in here: the binary asks itself.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 CMD ["/usr/local/bin/yunzhen", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/yunzhen"]
CMD ["serve"]
