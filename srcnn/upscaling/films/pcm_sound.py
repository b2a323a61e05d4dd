"""Sound that PyAV does not copy, such as WMA and the ADPCM of old cameras: the samples as PCM."""

from fractions import Fraction
from typing import Any

import av

CODECS = {"u8": "pcm_u8", "s16": "pcm_s16le", "s32": "pcm_s32le", "flt": "pcm_f32le", "dbl": "pcm_f64le"}
CONTAINERS = "matroska", "mov"  # that hold all of them


def add_pcm(output: av.container.OutputContainer, stream: Any) -> Any:
    """Adds a stream of PCM for the samples of another one; None where there can be none."""
    context = stream.codec_context
    if output.format.name not in CONTAINERS or context is None or context.format is None:
        return None
    format_ = context.format.packed.name
    if format_ not in CODECS or not context.sample_rate:
        return None
    pcm: Any = output.add_stream(CODECS[format_], rate=context.sample_rate, layout=context.layout.name)
    pcm.codec_context.format = format_
    return pcm


class Recoding:
    """Makes packets of PCM of a stream's packets. pcm: see `add_pcm`."""

    def __init__(self, stream: Any, pcm: Any):
        self.stream, self.pcm, self.next = stream, pcm, 0
        context = pcm.codec_context
        self.packed = av.AudioResampler(context.format, context.layout, context.sample_rate)

    def packets(self, packet: av.Packet | None) -> list[av.Packet]:
        """Those of a packet, or, of None, what is left. Raises FFmpegError if it is damaged."""
        found, tick = [], Fraction(1, self.pcm.codec_context.sample_rate)
        for frame in self.stream.decode(packet):
            if frame.pts is not None:
                self.next = round(frame.pts * frame.time_base / tick)
            for samples in self.packed.resample(frame):
                samples.pts, samples.time_base = self.next, tick
                self.next += samples.samples
                found += self.pcm.encode(samples)
        return found
