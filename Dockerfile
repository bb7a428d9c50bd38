# The site and all commands in one image. Besides the base image only the package index is needed to build it.
#   docker build -t availability .                                   the program; the site folder is a volume
#   docker build -t availability-data --target with-data \
#     --build-arg BUILD=site/availability-BUILD.db .                 one build baked in; nothing is mounted
FROM python:3.11-slim AS base
WORKDIR /app
ENV PYTHONUNBUFFERED=1 AVAILABILITY_SITE_DIR=/site AVAILABILITY_WAREHOUSE=/data/warehouse.duckdb
RUN useradd --system --uid 10001 availability && mkdir /site /data && chown availability /site /data
COPY pyproject.toml requirements.lock README.md LICENSE metadata.yml ./
COPY etl etl
COPY plugins plugins
COPY templates templates
COPY static static
# Editable: the site is served from the checkout, which holds metadata.yml and the pages.
RUN pip install --no-cache-dir --disable-pip-version-check --constraint requirements.lock --editable .
USER availability
EXPOSE 8001
HEALTHCHECK --start-period=30s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8001/-/versions.json', timeout=5)"]
ENTRYPOINT ["availability"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8001"]

FROM base AS with-data
ARG BUILD
COPY --chown=availability ${BUILD} /site/availability.db

FROM base AS program
VOLUME ["/site", "/data"]
