# syntax=docker/dockerfile:1
# faust-streaming has wheels for x86_64 glibc only: slim, not alpine.
FROM python:3.12-slim AS build
WORKDIR /src
COPY requirements.lock pyproject.toml README.md LICENSE ./
COPY streams streams
COPY schemas schemas
RUN python -m venv /opt/pagerline \
 && /opt/pagerline/bin/pip install --no-cache-dir --require-hashes -r requirements.lock \
 && /opt/pagerline/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.12-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin pagerline
COPY --from=build /opt/pagerline /opt/pagerline
ENV PATH=/opt/pagerline/bin:$PATH PYTHONUNBUFFERED=1 PAGERLINE_HEALTH_BIND=0.0.0.0:9464
USER 10001
WORKDIR /tmp
EXPOSE 9464
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=6 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9464/livez', timeout=2)"]
ENTRYPOINT ["pagerline"]
CMD ["worker"]
