"""Encoders of films: which there are, of software and of hardware, and how each is told what is asked."""

from typing import Any

import av

from srcnn.settings import CODECS, PRESETS
from srcnn.system.errors import InputError

SOFTWARE = {
    "h264": "libx264",
    "hevc": "libx265",
    "av1": "libsvtav1",
    "vp9": "libvpx-vp9",
    "prores": "prores_ks",
    "ffv1": "ffv1",
}
NAMES = {"h264": "H.264", "hevc": "HEVC", "av1": "AV1", "vp9": "VP9", "prores": "ProRes", "ffv1": "FFV1"}
HARDWARE = "nvenc", "qsv", "videotoolbox", "amf", "mf", "v4l2m2m", "vaapi", "vulkan"  # as their names end
PACKED = {"yuv420p": "nv12", "yuv420p10le": "p010le"}  # the same pixels, as hardware may want them
# Presets that leave the network most of the machine, where none is asked for.
QUICK = {
    "libx264": {"preset": "superfast"},
    "libx265": {"preset": "ultrafast"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "7", "row-mt": "1", "b": "0", "lag-in-frames": "0"},
    "libsvtav1": {"preset": "11"},
    "ffv1": {"level": "3", "g": "1", "slices": "16", "slicecrc": "1"},
    "prores_ks": {"vendor": "apl0"},  # which some editors look for
}
SVT_AV1 = 12, 11, 10, 9, 8, 7, 5, 4, 3  # its numbers for PRESETS
NVENC = 1, 1, 2, 3, 4, 4, 5, 6, 7
REALTIME = 4  # so many of PRESETS are of libvpx's mode for that
# Largest CRF, visually lossless one; those of hardware are on about the same scale, under other names.
CRF = {"libx264": (51, 17), "libx265": (51, 16), "libvpx-vp9": (63, 20), "libsvtav1": (63, 18)}
CRF_OF_HARDWARE = {"nvenc": (51, 19), "qsv": (51, 19)}
BITS = 0.25  # a pixel, for other hardware, where each has a scale of its own, or none


def codec_of(encoder: str) -> str:
    """The one of CODECS that an encoder is of."""
    return next((c for c, name in SOFTWARE.items() if name == encoder), encoder.partition("_")[0])


def is_hardware(encoder: str) -> bool:
    return encoder not in SOFTWARE.values()


def stored_format(encoder: str, format_: str) -> str | None:
    """The format, or the packed one of the same pixels, that an encoder takes; None if it takes neither."""
    formats: Any = av.Codec(encoder, "w").video_formats
    known = [pixels.name for pixels in formats or ()]
    return next((name for name in (format_, PACKED.get(format_)) if name in known), None)


def of_hardware() -> list[str]:
    """The encoders of hardware that PyAV has, and that take frames which are not in a GPU's memory."""
    names = (f"{codec}_{kind}" for codec in CODECS for kind in HARDWARE)
    return [name for name in names if _is_encoder(name) and stored_format(name, "yuv420p")]


def _is_encoder(name):
    try:
        return av.Codec(name, "w").is_encoder
    except ValueError:  # which PyAV raises for names that it does not know
        return False


def check_available(codec: str) -> None:
    """Raises InputError if PyAV has no encoder for a --codec."""
    if codec in CODECS or codec in (there := of_hardware()):
        return
    others = f", or a hardware encoder, {', '.join(there)}" if there else " (it has no hardware encoders)"
    raise InputError(
        f"--codec {codec}: this PyAV has no such encoder; use one of {', '.join(CODECS)}{others}"
    )


def has_crf(encoder: str) -> bool:
    return encoder in CRF or encoder.rpartition("_")[2] in CRF_OF_HARDWARE


def options(encoder: str, crf: int | None, preset: str | None) -> dict[str, str]:
    """What an encoder is told of speed and quality. Raises InputError for what it has no words for."""
    return _speed(encoder, preset) | _quality(encoder, crf)


def _speed(encoder, preset):
    if preset is None:
        return QUICK.get(encoder, {})
    number, slowest = PRESETS.index(preset), len(PRESETS) - 1
    kind = encoder.rpartition("_")[2]
    if encoder in ("libx264", "libx265"):
        return {"preset": preset}
    if encoder == "libsvtav1":
        return {"preset": str(SVT_AV1[number])}
    if encoder == "libvpx-vp9" and number < REALTIME:
        return QUICK[encoder] | {"cpu-used": str(slowest - number)}
    if encoder == "libvpx-vp9":
        return {"deadline": "good", "cpu-used": str(slowest - number), "row-mt": "1", "b": "0"}
    if kind == "nvenc":
        return {"preset": f"p{NVENC[number]}"}
    if kind == "qsv":
        return {"preset": PRESETS[max(number, PRESETS.index("veryfast"))]}
    raise InputError(f"--preset is not for {encoder}; leave it out")


def _quality(encoder, crf):
    kind = encoder.rpartition("_")[2]
    scale = CRF.get(encoder) or CRF_OF_HARDWARE.get(kind)
    if scale is None:
        if crf is not None:
            raise InputError(f"--crf is not for {encoder}; leave it out")
        return {}
    largest, best = scale
    crf = best if crf is None else crf
    if crf > largest:
        raise InputError(f"--crf {crf}: use 0 to {largest} for {encoder}")
    if kind == "nvenc":
        return {"rc": "vbr", "b": "0", "cq": str(crf)}
    return {"global_quality" if kind == "qsv" else "crf": str(crf)}
