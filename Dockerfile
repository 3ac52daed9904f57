# One image for web, worker and beat; docker-compose.yml says which command each runs.
FROM python:3.11.14-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /muara
COPY locks/server.txt /tmp/server.txt
RUN python -m venv --without-pip /venv \
 && pip --python /venv/bin/python install --quiet --require-hashes --only-binary=:all: \
    --requirement /tmp/server.txt
COPY . .
# The keys that this makes are left behind with the rest of this stage.
RUN MUARA_DATA=/tmp/data MUARA_STATIC=/muara/collected \
    /venv/bin/python manage.py collectstatic --no-input \
 && /venv/bin/python -m compileall -q /muara

FROM python:3.11.14-slim-bookworm
RUN useradd --system --uid 10001 --user-group --no-create-home muara \
 && install --directory --owner=muara --group=muara --mode=0700 /data
COPY --from=build /venv /venv
COPY --from=build /muara /muara
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    MUARA_DATA=/data MUARA_STATIC=/muara/collected
WORKDIR /muara
USER 10001:10001
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "aggregator.wsgi:application"]
