# Chatter as an image: what is installed has the hashes of requirements.txt, nothing runs as root.
# The same image serves (`serve`), works (`work`) and prepares (`prepare`); see compose.yaml.

FROM python:3.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /chatter
RUN python -m venv /venv
COPY requirements.txt .
RUN /venv/bin/pip install --require-hashes -r requirements.txt
COPY . .
# Static files are part of the image, so that servers share nothing but the database and Redis.
RUN CHATTER_DATA_DIR=/var/lib/chatter DATABASE_URL=sqlite://:memory: \
    CHATTER_SECRET_KEY=for-collecting-static-files-only \
    /venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
    && /venv/bin/python -m compileall -q .

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /chatter --shell /usr/sbin/nologin chatter \
    && install -d -o chatter /var/lib/chatter /files
COPY --from=build /venv /venv
COPY --from=build /chatter /chatter
COPY --from=build --chown=chatter /var/lib/chatter /var/lib/chatter
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    CHATTER_DATA_DIR=/var/lib/chatter HOST=0.0.0.0 PORT=8000
WORKDIR /chatter
USER 10001
EXPOSE 8000
# A server finishes what it is sending; a worker hands back what it runs.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from os import environ; from urllib.request import urlopen; urlopen(f'http://127.0.0.1:{environ[\"PORT\"] or 8000}/healthz', timeout=4)"]
ENTRYPOINT ["python", "manage.py"]
CMD ["serve"]
