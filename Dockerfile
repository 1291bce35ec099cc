# contextd as a sidecar: non-root, works on a read-only root file system, no shell needed.
#   docker build -t contextd .
#   docker run --read-only --tmpfs /tmp -v state:/var/lib/contextd contextd
# Calls are answered inside the container's own network: a sidecar shares it with its frontend.
# To let others in, mount certificates and tokens and set CONTEXTD__SERVER__LISTEN=0.0.0.0:7070
# (docs/security.md); to try it out from this machine, without either:
#   docker run -p 127.0.0.1:7070:7070 -e CONTEXTD__SERVER__LISTEN=0.0.0.0:7070 \
#              -e CONTEXTD__SERVER__INSECURE=true contextd
# Give BASE a digest and every file one time (buildah: --timestamp 0) for layers that repeat
# to the byte.
ARG BASE=python:3.13-slim-trixie

FROM ${BASE} AS build
WORKDIR /src
COPY requirements/serve.lock requirements/serve.lock
RUN python -m venv /opt/contextd \
 && /opt/contextd/bin/pip install --no-cache-dir --require-hashes -r requirements/serve.lock
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY contextd contextd
# The byte code does not look at file times: once a builder rewrites them it would be stale,
# and a read-only root cannot keep a new one.
RUN /opt/contextd/bin/pip install --no-cache-dir --no-deps . \
 && /opt/contextd/bin/pip uninstall --yes pip \
 && /opt/contextd/bin/python -m compileall -q -f --invalidation-mode unchecked-hash \
    /opt/contextd/lib \
 && install -d -o 65532 -g 65532 /var/lib/contextd

FROM ${BASE}
LABEL org.opencontainers.image.title="contextd" \
      org.opencontainers.image.description="The right context for every model call, within budget" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/contextd /opt/contextd
COPY --from=build --chown=65532:65532 /var/lib/contextd /var/lib/contextd
# Two arenas instead of eight a core keep the resident memory down.
ENV PATH=/opt/contextd/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2
USER 65532:65532
WORKDIR /var/lib/contextd
VOLUME /var/lib/contextd
EXPOSE 7070 7071
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["contextd", "health"]
ENTRYPOINT ["contextd"]
CMD ["serve", "--ops", "0.0.0.0:7071", "--store", "sqlite:////var/lib/contextd/contextd.sqlite"]
