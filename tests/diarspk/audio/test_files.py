"""Paths, pipes, devices and addresses: what is opened, how often, and under which name."""

import io
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import soundfile

from diarspk.audio import load_audio, open_audio
from diarspk.audio.byte_views import ByteView
from diarspk.audio.files import display_name, open_file
from diarspk.errors import ArgumentError, AudioError, AudioWarning
from tests.diarspk.audio.media import click, write_sound

RATE = 16000
SOUND = click(1.0, 0.5, RATE)
posix = pytest.mark.skipif(os.name != "posix", reason="there are no such files here")


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "a.wav", SOUND, RATE)
    return tmp_path / "a.wav"


def through_fifo(path: Path, data: bytes) -> Path:
    """A named pipe that gives the bytes once."""
    fifo = path.with_name("pipe")
    os.mkfifo(fifo)
    threading.Thread(target=fifo.write_bytes, args=(data,), daemon=True).start()
    return fifo


@posix
@pytest.mark.parametrize(("suffix", "codec"), [("wav", "pcm_s16le"), ("mp3", "libmp3lame")])
def test_a_pipe_gives_what_the_file_gives(tmp_path: Path, suffix: str, codec: str) -> None:
    path = write_sound(tmp_path / f"a.{suffix}", codec, RATE, SOUND)
    stream = open_audio(through_fifo(path, path.read_bytes()))
    for _ in range(2):
        np.testing.assert_array_equal(load_audio(stream), load_audio(path))
    assert stream.duration == open_audio(path).duration
    assert stream.name == "pipe"


@posix
def test_an_m4a_whose_index_is_at_the_end_comes_through_a_pipe(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.m4a", "aac", RATE, SOUND)
    read, write = os.pipe()

    def fill() -> None:
        with os.fdopen(write, "wb") as pipe:
            pipe.write(path.read_bytes())

    threading.Thread(target=fill).start()
    np.testing.assert_array_equal(load_audio(f"/dev/fd/{read}"), load_audio(path))
    os.close(read)


@posix
def test_an_empty_pipe_and_devices(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="pipe: the file is empty"):
        open_audio(through_fifo(tmp_path / "a.wav", b""))
    for device in ("/dev/zero", "/dev/null"):
        with pytest.raises(AudioError, match=f"{device}: a device or a terminal; give a file"):
            open_audio(device)


@pytest.mark.parametrize(
    "address",
    ["https://example.org/a.mp3", "http:/a.wav", "smb://server/share/a.m4a", "rtsp://camera"],
)
def test_addresses_are_not_fetched(address: str) -> None:
    with pytest.raises(AudioError, match="an address, which is not fetched; download the file"):
        open_audio(address)


def test_a_file_that_is_named_like_an_address(tmp_path: Path, monkeypatch: Any, wav: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ab:").mkdir()
    (tmp_path / "ab:" / "a.wav").write_bytes(wav.read_bytes())
    assert len(load_audio("ab:/a.wav")) == RATE


@posix
@pytest.mark.parametrize("suffix", ["wav", "m4a"])
def test_a_name_that_is_not_utf8(tmp_path: Path, suffix: str) -> None:
    codec = "aac" if suffix == "m4a" else "pcm_s16le"
    path = write_sound(tmp_path / f"a.{suffix}", codec, RATE, SOUND)
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/r\xe9union." + suffix.encode())
    try:
        path.rename(odd)
    except OSError:
        pytest.skip("this file system takes names in UTF-8 only")
    stream = open_audio(odd)
    assert stream.name == r"r\xe9union"
    assert len(load_audio(stream)) == RATE
    stream.source.label.encode("utf-8")
    assert display_name(odd).endswith(rf"r\xe9union.{suffix}")


def test_names_of_file_objects(wav: Path) -> None:
    with wav.open("rb") as file:
        assert open_audio(file).name == "a"
    assert open_audio(io.BytesIO(wav.read_bytes())).name == "audio"
    with tempfile.TemporaryFile() as file:  # its name is a number
        file.write(wav.read_bytes())
        assert open_audio(file).name == "audio"


def test_a_path_with_a_null_character() -> None:
    with pytest.raises(AudioError, match="cannot be opened"):
        open_audio("a\0.wav")


def test_a_file_that_vanishes(wav: Path) -> None:
    stream = open_audio(wav)
    wav.unlink()
    with pytest.raises(AudioError, match=r"a\.wav: no such file"):
        load_audio(stream)


class Disk(io.BytesIO):
    """A file whose bytes cannot be read from some place on."""

    limit = sys.maxsize

    def read(self, count: int | None = -1, /) -> bytes:
        if self.tell() >= self.limit:
            raise OSError(5, "Input/output error")
        return super().read(count)


@pytest.mark.parametrize(("suffix", "codec"), [("wav", "pcm_s16le"), ("mka", "flac")])
def test_a_fault_of_the_disk_is_told(
    tmp_path: Path, suffix: str, codec: str, capfd: pytest.CaptureFixture[str]
) -> None:
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, 60 * RATE).astype(np.float32)
    disk = Disk(write_sound(tmp_path / f"a.{suffix}", codec, RATE, sound).read_bytes())
    stream = open_audio(disk)
    disk.limit = 900_000
    with pytest.warns(AudioWarning, match=r"read up to \d\d\.\d s only \(Input/output error\)"):
        samples = load_audio(stream)
    assert 20 * RATE < len(samples) < 40 * RATE
    assert capfd.readouterr() == ("", "")


def test_a_temporary_file_without_room(monkeypatch: pytest.MonkeyPatch, wav: Path) -> None:
    class Full(io.BytesIO):
        def write(self, data: Any, /) -> int:
            raise OSError(28, "No space left on device")

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    monkeypatch.setattr(tempfile, "TemporaryFile", Full)
    with pytest.raises(AudioError, match=r"copied to a temporary file \(No space left.*TMPDIR"):
        open_audio(Pipe(wav.read_bytes()))


def test_views_of_bytes() -> None:
    base = io.BytesIO(b"0123456789")
    view = ByteView(base, b"ab", 3, 7)
    assert view.length == 6
    assert view.read(4) == b"ab"  # a reading may end early, as of any raw file
    assert view.read(2) == b"34"
    assert io.BufferedReader(cast(Any, ByteView(base, b"ab", 3, 7))).read() == b"ab3456"
    assert view.seek(-2, io.SEEK_END) == 4
    assert view.read(9) == b"56"
    assert view.read(9) == b""
    assert ByteView(base, start=99).length == 0


def test_a_stream_is_audio_itself(wav: Path) -> None:
    stream = open_audio(wav)
    assert open_audio(stream) is stream
    assert open_audio(stream, RATE, channel=0).channel == 0
    with pytest.raises(ArgumentError, match="`sample_rate` must be that of"):
        open_audio(stream, 8000)
    with pytest.raises(ArgumentError, match="`channel` must be from 0 to 0"):
        open_audio(stream, channel=1)
    with pytest.raises(ArgumentError, match="must be given where a stream is opened first"):
        open_audio(stream, track=0)


def test_spooled_bytes_go_with_their_stream(wav: Path) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    file = open_file(Pipe(wav.read_bytes()))
    spooled = file.stream
    assert spooled is not None
    assert not spooled.closed
    del file
    assert spooled.closed


@posix
def test_no_library_writes_to_stderr(tmp_path: Path, wav: Path) -> None:
    soundfile.write(tmp_path / "b.mp3", SOUND, RATE)
    whole = (tmp_path / "b.mp3").read_bytes()
    (tmp_path / "joined.mp3").write_bytes(whole * 2 + b"\xff\xfb\x90" * 50)
    (tmp_path / "cut.mp3").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "junk.mp3").write_bytes(b"\xff\xfb" + bytes(range(256)) * 20)
    (tmp_path / "junk.m4a").write_bytes(b"\0\0\0\x20ftypM4A " + bytes(range(256)) * 20)
    script = (
        "import sys, warnings; warnings.simplefilter('ignore')\n"
        "from diarspk.audio import load_audio\n"
        "from diarspk.errors import AudioError\n"
        "for name in sys.argv[1:]:\n"
        "    try: load_audio(name)\n"
        "    except AudioError: pass\n"
    )
    files = sorted(path for path in tmp_path.iterdir() if path != wav)
    command = [sys.executable, "-c", script, *files]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
