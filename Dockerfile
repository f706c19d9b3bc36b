# diarspk serve on CPUs. Build: docker build -t diarspk .   Run: compose.yaml
FROM python:3.11-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /source
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY diarspk diarspk
COPY tse tse
# PyTorch's build for CPUs is a twentieth of the size: name the index that has it (docs/install.md)
# with --build-arg TORCH_INDEX=... Its version is the pinned one, with a local label that the pin
# does not forbid.
ARG TORCH_INDEX=
RUN python -m venv /opt/diarspk \
    && grep -E '^torch==' constraints.txt > torch.txt \
    && /opt/diarspk/bin/pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} -r torch.txt \
    && grep -vE '^(nvidia-|cuda-|triton)' constraints.txt > pins.txt \
    && /opt/diarspk/bin/pip install -c pins.txt '.[server]'

FROM python:3.11-slim-bookworm

# A user without a password, a shell and a home; /data is all that it writes to.
RUN useradd --system --no-create-home --shell /usr/sbin/nologin --uid 10001 diarspk \
    && install -d -o 10001 -g 10001 -m 700 /data
COPY --from=build /opt/diarspk /opt/diarspk
ENV PATH=/opt/diarspk/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-c", \
    "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["diarspk", "serve", "--host", "0.0.0.0", "--port", "8000", "--data", "/data"]
# Keys are required: compose.yaml gives them as a secret. Names by which clients call it are too.
CMD ["--keys", "/run/secrets/diarspk_keys"]
