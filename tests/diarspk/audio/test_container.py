"""Tracks of containers on the container's clock, and what is said where they fall short."""

import warnings
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from diarspk.audio import SAMPLE_RATE, load_audio, open_audio
from diarspk.errors import ArgumentError, AudioError, AudioWarning
from tests.diarspk.audio.media import click, place_of_click, write_media, write_sound

LATE = [
    ("mp4", "aac", 16000),
    ("mov", "aac", 16000),
    ("mkv", "aac", 16000),
    ("mkv", "flac", 16000),
    ("ts", "aac", 16000),
    ("mpg", "mp2", 48000),
    ("wmv", "wmav2", 44100),
]


@pytest.mark.parametrize(("suffix", "codec", "rate"), LATE)
def test_sound_that_starts_late_does_so_in_the_result(
    tmp_path: Path, suffix: str, codec: str, rate: int
) -> None:
    path = tmp_path / f"film.{suffix}"
    write_media(path, codec, rate, [[(5.0, click(2.0, 1.0, rate))]], film_s=8.0)
    samples = load_audio(path)
    assert place_of_click(samples, SAMPLE_RATE) == pytest.approx(6.0, abs=0.01)
    assert np.abs(samples[: 4 * SAMPLE_RATE]).max() == 0
    assert len(samples) / SAMPLE_RATE == pytest.approx(7.0, abs=0.07)
    assert open_audio(path).measure_duration() == pytest.approx(7.0, abs=0.1)


@pytest.mark.parametrize(("suffix", "codec", "rate"), LATE)
def test_a_hole_in_the_sound_is_silence(tmp_path: Path, suffix: str, codec: str, rate: int) -> None:
    path = tmp_path / f"film.{suffix}"
    quiet = click(1.5, 0.7, rate) / 4
    write_media(path, codec, rate, [[(0.0, quiet), (5.0, click(2.0, 1.0, rate))]], film_s=8.0)
    samples = load_audio(path)
    assert place_of_click(samples, SAMPLE_RATE) == pytest.approx(6.0, abs=0.07)
    assert np.abs(samples[round(1.8 * SAMPLE_RATE) : round(4.7 * SAMPLE_RATE)]).max() == 0


def test_the_clock_starts_with_the_earliest_track(tmp_path: Path) -> None:
    # A piece of a broadcast: its clock does not start at 0, and there is no silence before.
    path = tmp_path / "piece.mkv"
    write_media(path, "flac", 16000, [[(100.0, click(2.0, 1.0, 16000))]])
    assert len(load_audio(path)) == 2 * SAMPLE_RATE


def test_several_tracks(tmp_path: Path) -> None:
    path = tmp_path / "call.mka"
    tracks = [[(0.0, click(2.0, at, 16000))] for at in (0.5, 1.5)]
    write_media(path, "flac", 16000, tracks, titles=["Ann", "Ben"])
    with pytest.warns(AudioWarning, match=r"2 sound tracks: 0 \(Ann\), 1 \(Ben\); only track 0"):
        assert place_of_click(load_audio(path), SAMPLE_RATE) == 0.5
    for track, at in ((0, 0.5), (1, 1.5)):
        assert place_of_click(load_audio(path, track=track), SAMPLE_RATE) == at
    stream = open_audio(path, track=1)
    assert place_of_click(load_audio(stream), SAMPLE_RATE) == 1.5
    for track in (-1, 2):
        with pytest.raises(ArgumentError, match=rf"`track` must be from 0 to 1 for .*got {track}"):
            open_audio(path, track=track)


@pytest.mark.parametrize("channels", [6, 8])
@pytest.mark.parametrize(
    ("suffix", "codec"), [("m4a", "aac"), ("mka", "flac"), ("mov", "pcm_f32le")]
)
def test_many_channels(tmp_path: Path, channels: int, suffix: str, codec: str) -> None:
    """Eight planes are more than PyAV counts to."""
    path, rate = tmp_path / f"array.{suffix}", 48000
    sound = np.stack([click(1.0, 0.1 * (index + 1), rate) for index in range(channels)])
    layout = {6: "5.1", 8: "7.1"}[channels]
    with av.open(str(path), "w") as file:
        stream: Any = file.add_stream(codec, rate=rate, layout=layout)
        resampler = av.AudioResampler(stream.codec_context.format.name, layout, rate)
        length = stream.codec_context.frame_size or 1024
        for start in range(0, sound.shape[1] - length, length):
            packed = sound[:, start : start + length].T.reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(packed), "flt", layout)
            frame.sample_rate, frame.pts = rate, start
            for converted in resampler.resample(frame):
                file.mux(stream.encode(converted))
        file.mux(stream.encode(None))
    if codec == "aac":  # whose low-frequency channel and order of channels are its own
        assert np.isfinite(load_audio(path)).all()
        with pytest.raises(ArgumentError, match=f"from 0 to {channels - 1}"):
            load_audio(path, channel=channels)
        return
    for index in range(channels):
        samples = load_audio(path, channel=index)
        assert place_of_click(samples, SAMPLE_RATE) == pytest.approx(0.1 * (index + 1), abs=0.005)


def test_tracks_where_there_is_one(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, click(1.0, 0.5, 16000), 16000)
    assert len(load_audio(path, track=0)) == SAMPLE_RATE
    with pytest.raises(ArgumentError, match="`track` must be 0 for"):
        open_audio(path, track=1)
    with pytest.raises(ArgumentError, match="`track` and `raw` must be left out"):
        open_audio(np.zeros(9, np.float32), 16000, track=0)


def test_a_film_without_sound(tmp_path: Path) -> None:
    path = write_media(tmp_path / "mute.mp4", "aac", 16000, [], film_s=1.0)
    with pytest.raises(AudioError, match=r"mute\.mp4: no audio track in it, it holds video only"):
        open_audio(path)


def test_a_file_without_its_index(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "cut.m4a", "aac", 16000, click(2.0, 1.0, 16000))
    whole = path.read_bytes()
    for missing in (600, 5000):
        path.write_bytes(whole[:-missing])
        with pytest.raises(AudioError, match=r"cut short .*\(the moov atom\) is not found"):
            open_audio(path)


CUT = [("m4a", "aac"), ("mkv", "aac"), ("mka", "flac"), ("flac", "flac"), ("mp3", "libmp3lame")]


@pytest.mark.parametrize(("suffix", "codec"), CUT)
def test_a_cut_file_gives_what_it_holds_and_a_warning(
    tmp_path: Path, suffix: str, codec: str
) -> None:
    path = tmp_path / f"cut.{suffix}"
    options = {"movflags": "faststart"} if suffix == "m4a" else None
    write_sound(path, codec, 16000, click(4.0, 1.0, 16000), options=options)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    with pytest.warns(AudioWarning, match=r"truncated, [123]\.\d s of [34]\.\d s"):
        part = load_audio(path)
    assert place_of_click(part, SAMPLE_RATE) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(("suffix", "codec"), [("aac", "aac"), ("amr", "libopencore_amrnb")])
def test_an_estimated_duration_is_no_promise(tmp_path: Path, suffix: str, codec: str) -> None:
    # Silence first, then noise: the bit rate of the beginning tells nothing of the whole.
    rate = 8000 if suffix == "amr" else 16000
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, 6 * rate).astype(np.float32)
    sound[: 3 * rate] = 0
    path = write_sound(tmp_path / f"talk.{suffix}", codec, rate, sound)
    stream = open_audio(path)
    assert stream.duration is None
    assert len(load_audio(stream)) / SAMPLE_RATE == pytest.approx(6.0, abs=0.1)
    assert stream.measure_duration() == pytest.approx(6.0, abs=0.1)


def test_damage_in_the_middle_keeps_the_times_of_the_rest(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "talk.mp4", "aac", 48000, click(6.0, 5.0, 48000))
    data = bytearray(path.read_bytes())
    third = len(data) // 3
    data[third : third + 4000] = np.random.default_rng(0).bytes(4000)
    path.write_bytes(data)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        samples = load_audio(path)
    assert place_of_click(samples, SAMPLE_RATE) == pytest.approx(5.0, abs=0.1)
    assert ["damaged, a part of it could not be decoded" in str(one.message) for one in found] == [
        True
    ]


PLAYLISTS = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{there}\n#EXT-X-ENDLIST\n",
    "list.ffconcat": "ffconcat version 1.0\nfile '{there}'\n",
    "call.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=audio 5004 RTP/AVP 0\n",
}


@pytest.mark.parametrize("name", PLAYLISTS)
def test_what_a_file_names_is_not_opened(tmp_path: Path, name: str) -> None:
    there = write_sound(tmp_path / "secret.ts", "aac", 16000, click(1.0, 0.5, 16000))
    path = tmp_path / name
    path.write_text(PLAYLISTS[name].format(there=there))
    with pytest.raises(AudioError, match=f"{name}: not audio"):
        open_audio(path)


def test_a_recording_on_which_rate_and_channels_change(tmp_path: Path) -> None:
    # FLAC files joined end to end: FFmpeg hands out frames of either kind.
    parts = [(16000, click(1.0, 0.5, 16000)), (44100, np.stack([click(2.0, 1.0, 44100)] * 2, 1))]
    data = b""
    for rate, sound in parts:
        soundfile.write(tmp_path / "part.flac", sound, rate)
        data += (tmp_path / "part.flac").read_bytes()
    path = tmp_path / "joined.flac"
    path.write_bytes(data)
    samples = load_audio(path)
    assert len(samples) == pytest.approx(3 * SAMPLE_RATE, abs=2)
    assert place_of_click(samples[SAMPLE_RATE:], SAMPLE_RATE) == pytest.approx(1.0, abs=0.001)


def test_a_coding_that_nobody_knows(tmp_path: Path) -> None:
    path = tmp_path / "a.caf"
    soundfile.write(path, click(1.0, 0.5, 16000), 16000, "PCM_16")
    path.write_bytes(path.read_bytes().replace(b"lpcm", b"zzzz"))
    with pytest.raises(
        AudioError, match=r"a\.caf: its sound is coded in a way that FFmpeg does not"
    ):
        open_audio(path)


def test_importing_the_package_loads_no_ffmpeg() -> None:
    import subprocess
    import sys

    script = "import sys, diarspk.audio.loading; sys.exit('av' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_memory_does_not_grow_with_the_duration(tmp_path: Path) -> None:
    import subprocess
    import sys

    script = (
        "import re, sys\n"
        "from diarspk.audio import open_audio\n"
        "samples = sum(map(len, open_audio(sys.argv[1]).blocks()))\n"
        "peak = re.search(r'VmHWM:\\s+(\\d+) kB', open('/proc/self/status').read())[1]\n"
        "print(samples, peak)\n"
    )
    if not Path("/proc/self/status").exists():
        pytest.skip("the peak is read from Linux's /proc")
    peaks = []
    for minutes in (1, 8):
        path = tmp_path / f"{minutes}.mka"
        write_sound(path, "pcm_s16le", 16000, np.zeros(minutes * 60 * 16000, np.float32))
        command = [sys.executable, "-c", script, str(path)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        samples, peak = map(int, done.stdout.split())
        assert samples == minutes * 60 * SAMPLE_RATE
        peaks.append(peak)
    assert peaks[1] < peaks[0] + 10_000  # the whole would be 31 MB
