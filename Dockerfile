# Runut's services and commands, for brokers and databases that run elsewhere: the embedded
# platform (`runut up`) is left out. Built and run by docker-compose.yml.
#
# The bases are pinned by tag alone: no digest of them was at hand to be checked. Pin them with
#   docker build --build-arg PYTHON_IMAGE=python:3.12-slim-bookworm@sha256:… \
#     --build-arg BUILD_IMAGE=python:3.12-bookworm@sha256:… .
ARG PYTHON_IMAGE=python:3.12-slim-bookworm
# The same with a C compiler, for what is hot (docs/decisions/0281): it does not reach the image.
ARG BUILD_IMAGE=python:3.12-bookworm

FROM ${BUILD_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY deploy/requirements-*.lock deploy/
# Wheels alone: a distribution that would have to be compiled stops the build. Without pip in it,
# the environment that goes to the final image can install nothing more.
RUN pip install --require-hashes --only-binary :all: -r deploy/requirements-build.lock \
    && python -m venv --without-pip /opt/runut \
    && pip --python /opt/runut/bin/python install --require-hashes --only-binary :all: \
        -r deploy/requirements-server.lock
COPY . .
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
    && pip --python /opt/runut/bin/python install --no-index --no-deps /dist/*.whl \
    && /opt/runut/bin/python -c 'from runut import native; assert native.IS_USED' \
    && /opt/runut/bin/runut --help > /dev/null

FROM ${PYTHON_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Runut" \
      org.opencontainers.image.description="An event-sourced coordination ledger for agencies that protect migrant workers together" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# The key store refuses a directory that others can read; a new volume takes over its mode.
RUN groupadd --system --gid 10001 runut \
    && useradd --system --uid 10001 --gid runut --no-create-home --home-dir /var/lib/runut runut \
    && install --directory --owner runut --group runut --mode 0700 /var/lib/runut /var/lib/runut/keys
COPY --from=build /opt/runut /opt/runut
ENV PATH=/opt/runut/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    RUNUT_DATA=/var/lib/runut
WORKDIR /var/lib/runut
# By number, so that a cluster can see that it is not root.
USER 10001:10001
# Fails while Kafka, the registry or PostgreSQL does not answer, or nobody projects.
HEALTHCHECK --interval=60s --timeout=20s --start-period=60s --retries=3 CMD ["runut", "status"]
ENTRYPOINT ["runut"]
CMD ["worker"]
