#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Log-mel windows of real recordings: makes workloads/data/speech_logmel.npz.

Input: the spoken WAV files of Debian's package alsa-utils (16 bit, 48 kHz, mono). Output: member `x`,
float32 [windows, 640], a window being 5 frames of 128 log-mel bands, standardised per band.

    apt-get install alsa-utils && .venv/bin/python scripts/prepare_audio.py

The data set of the benchmark that Deep-AE comes from uses the same features: 16 kHz, frames of 1024
samples, 128 bands, 5 frames per window.
"""

import argparse
import wave
from pathlib import Path

import numpy as np

RATE = 16000
FRAME = 1024
HOP = 256
BANDS = 128
FRAMES_PER_WINDOW = 5
BATCH = 24
WINDOWS = 16 * BATCH
STEP = 1.0 / 32.0  # values are rounded to it, so that the file stays small


def read_wav(path: Path) -> np.ndarray:
    with wave.open(str(path), "rb") as wav:
        if (wav.getsampwidth(), wav.getframerate(), wav.getnchannels()) != (2, 48000, 1):
            raise SystemExit(f"{path}: expected 16 bit, 48 kHz, mono")
        samples = np.frombuffer(wav.readframes(wav.getnframes()), dtype="<i2")
    return samples.astype(np.float64) / 32768.0


def to_16_khz(samples: np.ndarray) -> np.ndarray:
    """Low pass (windowed sinc, 97 taps, cut at 7.5 kHz), then every third sample."""
    n = np.arange(97) - 48
    taps = 2 * 7500 / 48000 * np.sinc(2 * 7500 / 48000 * n) * np.hamming(97)
    return np.convolve(samples, taps / taps.sum(), mode="same")[::3]


def mel_filters() -> np.ndarray:
    """Triangles between 0 and 8 kHz, equally spaced in mel: [bins, bands]."""
    mel = np.linspace(0.0, 2595 * np.log10(1 + RATE / 2 / 700), BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    bins = np.arange(FRAME // 2 + 1) * RATE / FRAME
    rising = (bins[:, None] - edges[None, :-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[None, 2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    return np.maximum(0.0, np.minimum(rising, falling))


def log_mel(samples: np.ndarray) -> np.ndarray:
    starts = np.arange(0, len(samples) - FRAME + 1, HOP)
    frames = np.stack([samples[s : s + FRAME] for s in starts]) * np.hanning(FRAME)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    return np.log(power @ mel_filters() + 1e-6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sounds", type=Path, default=Path("/usr/share/sounds/alsa"))
    default = Path(__file__).resolve().parents[1] / "workloads/data/speech_logmel.npz"
    parser.add_argument("--out", type=Path, default=default)
    options = parser.parse_args()
    files = sorted(p for p in options.sounds.glob("*.wav") if p.name != "Noise.wav")
    if not files:
        raise SystemExit(f"{options.sounds}: no WAV files; apt-get install alsa-utils")
    features = [log_mel(to_16_khz(read_wav(path))) for path in files]
    every = np.concatenate(features)
    mean, deviation = every.mean(axis=0), every.std(axis=0)
    windows = []
    for frames in features:
        frames = (frames - mean) / deviation
        count = len(frames) - FRAMES_PER_WINDOW + 1
        windows += [frames[i : i + FRAMES_PER_WINDOW].reshape(-1) for i in range(count)]
    rng = np.random.default_rng(0)
    chosen = rng.permutation(len(windows))[:WINDOWS]
    x = np.round(np.stack([windows[i] for i in chosen]) / STEP) * STEP
    # Every batch gets quiet and loud windows alike, so that the losses of two steps can be compared.
    by_power = np.argsort((x**2).mean(axis=1), kind="stable")
    dealt = rng.permuted(by_power.reshape(BATCH, -1), axis=1)
    x = x[dealt.T.reshape(-1)]
    np.savez_compressed(options.out, x=x.astype("<f4"))
    print(f"{options.out}: {x.shape[0]} of {len(windows)} windows, {options.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
