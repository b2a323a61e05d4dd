"""TIFF files: which of their many kinds are read, by which library, and how they are written."""

import logging
import math
import struct
import warnings

import numpy as np

from srcnn.images import density, exif, foreign, geotiff, high_bit_depth, metadata, photoshop
from srcnn.images.decoders import DamagedImage, UnsupportedImage

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
GREY = (0, 1)  # of photometric interpretations: white is zero, black is zero
RGB, CMYK, YCBCR = 2, 5, 6
NONE, LZW, DEFLATE, PACKBITS = 1, 5, (8, 32946), 32773  # of compressions
ICC, SUBSAMPLING, PAGE_NUMBER = 34675, 530, 297  # tags
SHORT, UNDEFINED = 3, 7  # types
SEPARATE = 2  # of planar configurations: a plane for each channel
PLANES = ((RGB, 3), (RGB, 4), (CMYK, 4))  # that Pillow puts together as it should
ASSOCIATED, UNASSOCIATED = 1, 2  # of extra samples: alpha, premultiplied or not
TURNED = (5, 6, 7, 8)  # orientations that change width with height
BLOCK = 2**20  # pixels
LARGEST_CLASSIC = 2**32 - 2**25  # bytes of pixels that surely fit in a file without 64-bit offsets

warnings.filterwarnings("ignore", module="tifffile")
logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)


def read(path, largest):
    """Decodes the first page of a TIFF of 8 or 16 bits.

    largest: pixels. Returns (pixels, icc_profile, frames, orientation of EXIF, XMP); pixels are
    (h, w, 1 to 4) uint8 or uint16, not turned, or None where Pillow reads this kind as it should.
    Raises UnsupportedImage for kinds that would come out wrong, and nearly everything for damaged files.
    """
    import tifffile

    with tifffile.TiffFile(path) as file:
        page = _first(file)
        if page.imagewidth * page.imagelength > largest:
            raise MemoryError
        _check_kind(page)
        _check_whole(page)
        pixels = None
        if page.photometric in (*GREY, RGB) and page.bitspersample in (8, 16):
            pixels = _samples(path, page)
        if pixels is None:
            _check_planes(page, PLANES)
        else:
            pixels = _meant(pixels, page)
        icc, xmp = _value(page, ICC, bytes), _value(page, metadata.XMP, bytes)
        return pixels, icc, len(file.pages), _value(page, exif.ORIENTATION, int) or 1, xmp


def _first(file):
    """The first page of a TIFF. Raises DamagedImage if it has no size."""
    page = file.pages.first
    foreign.check_tiff(page)
    is_tiled = page.is_tiled is not False  # of several numbers it is an array
    parts = (page.tilewidth, page.tilelength) if is_tiled else (page.rowsperstrip,)
    numbers = page.imagewidth, page.imagelength, page.samplesperpixel, *parts
    if not all(isinstance(n, int) and n > 0 for n in numbers):  # tags may hold several, or none
        raise DamagedImage("it has no size")
    return page


def _value(page, tag, kind):
    """What a page says by a tag; None if nothing, or what is not of that kind."""
    value = page.tags.valueof(tag)
    return value if isinstance(value, kind) else None


def size(path):
    """(height, width) of the first page of a TIFF, upright."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        page = _first(file)
        height, width = page.imagelength, page.imagewidth
        return (width, height) if _value(page, exif.ORIENTATION, int) in TURNED else (height, width)


def _check_kind(page):
    """Raises UnsupportedImage, with what to do, if a page of a TIFF is of a kind that is not read."""
    bits, grey = page.bitspersample, page.photometric in GREY
    extra = page.samplesperpixel - (1 if grey else 3)
    whole = page.compression != NONE or _value(page, SUBSAMPLING, tuple) == (1, 1)
    if page.sampleformat != 1:
        raise UnsupportedImage(
            "signed or floating-point pixels have no defined range; save it as 8 or 16 bits"
        )
    if bits not in (1, 2, 4, 8, 16):
        raise UnsupportedImage(f"{bits} bits a sample; save it as 8 or 16 bits")
    if page.imagedepth != 1:
        raise UnsupportedImage("a volume, not a picture; save one slice")
    if bits == 16 and not grey and page.photometric != RGB:
        raise UnsupportedImage("16 bits, neither grey nor RGB; convert it to RGB")
    if (grey or page.photometric == RGB) and (extra > (1 if grey else 3) or extra < 0):
        raise UnsupportedImage(f"{page.samplesperpixel} channels; save it as grey or RGB")
    if page.photometric == CMYK and extra != 1:
        raise UnsupportedImage(f"CMYK with {page.samplesperpixel} channels; convert it to RGB")
    if page.photometric == YCBCR and not whole:
        raise UnsupportedImage("subsampled YCbCr without compression; save it as RGB")


def _samples(path, page):
    """The numbers of a page as they are: (h, w, samples) uint8 or uint16; None if Pillow is to read it."""
    shape = page.imagelength, page.imagewidth, page.samplesperpixel
    if page.compression == NONE or page.compression in DEFLATE:
        pixels = page.asarray()
        if page.planarconfig == SEPARATE:
            return np.ascontiguousarray(np.moveaxis(pixels.reshape(shape[2], *shape[:2]), 0, 2))
        return pixels.reshape(shape)
    if page.bitspersample == 8:
        return None
    _check_planes(page, ())
    with open(path, "rb") as file:
        pixels = high_bit_depth.decode(file.read())
    if pixels.shape != shape:
        raise UnsupportedImage("its 16 bits cannot be decoded; save it with ZIP or no compression")
    return pixels


def _check_planes(page, right):
    """Raises UnsupportedImage for separate planes but for pairs of kind and channels that come out right."""
    kind = page.photometric, page.samplesperpixel
    if page.planarconfig == SEPARATE and page.samplesperpixel > 1 and kind not in right:
        raise UnsupportedImage("separate planes; save it with interleaved channels, or ZIP compression")


def _check_whole(page):
    """Raises DamagedImage if parts are missing, of which tifffile and Pillow make black."""
    sizes, offsets, counts = _sizes(page), page.dataoffsets, page.databytecounts
    if not all(isinstance(n, int) for n in (*offsets, *counts)):
        raise DamagedImage("the position of its pixels is not a number")
    if page.compression == NONE:
        least, counts = sum(sizes), _right_counts(counts, sizes)
    else:  # Deflate and LZW make at most one byte of this many; others, of any
        least = sum(sizes) // 5000 if page.compression in (LZW, *DEFLATE) else 1
        if len(sizes) == len(offsets) == 1 and page.compression in (LZW, *DEFLATE, PACKBITS):
            rest = max(0, page.parent.filehandle.size - offsets[0])  # as libtiff has it
            counts = tuple(n or rest for n in counts or (0,))
    page.databytecounts = counts
    missing = not len(offsets) == len(counts) == len(sizes) or min(*offsets, *counts) == 0
    ends = map(sum, zip(offsets, counts, strict=False))
    if missing or sum(counts) < least or max(ends) > page.parent.filehandle.size:
        raise DamagedImage("it ends too early")


def _sizes(page):
    """Bytes of each strip or tile of a page, decoded."""
    samples, planes = page.samplesperpixel, 1
    if page.planarconfig == SEPARATE:
        samples, planes = planes, samples
    if page.is_tiled:
        row = -(-page.tilewidth * samples * page.bitspersample // 8)
        return [row * page.tilelength] * math.prod(page.chunked)
    row, step = -(-page.imagewidth * samples * page.bitspersample // 8), page.rowsperstrip
    return [row * min(step, page.imagelength - top) for top in range(0, page.imagelength, step)] * planes


def _right_counts(counts, sizes):
    """Bytes of strips, or tiles, without compression: not none, and at most their size, whatever is noted."""
    if len(counts) != len(sizes):
        return tuple(sizes)
    return tuple(min(count or size, size) for count, size in zip(counts, sizes, strict=True))


def _meant(pixels, page):
    """What the numbers of a grey or RGB page mean: black is 0, alpha comes last, not premultiplied."""
    colours = 1 if page.photometric in GREY else 3
    kind = page.extrasamples[0] if page.extrasamples else UNASSOCIATED
    has_alpha = pixels.shape[2] > colours and kind in (ASSOCIATED, UNASSOCIATED)
    pixels = np.ascontiguousarray(pixels[..., : colours + has_alpha])
    if not pixels.flags.writeable:
        pixels = pixels.copy()
    if has_alpha and kind == ASSOCIATED:
        top = np.iinfo(pixels.dtype).max
        flat = pixels.reshape(-1, pixels.shape[2])
        for start in range(0, len(flat), BLOCK):  # the wider numbers take little memory
            part = flat[start : start + BLOCK]
            alpha = part[:, -1:].astype(np.uint32)
            straight = (part[:, :-1] * np.uint32(top) + alpha // 2) // np.maximum(alpha, 1)
            part[:, :-1] = np.minimum(straight, top)
    if page.photometric == 0:
        np.invert(pixels[..., :1], out=pixels[..., :1])
    return pixels


def write(pixels, path, icc_profile=None, info=None, order=None, big=None, append=False, number=b""):
    """Writes (h, w, 1 to 4) uint8 or uint16, without loss. info: Metadata, of this size.

    order, big: of all pages of a file, the order of its bytes, which is that of EXIF, and whether it is a
    BigTIFF. append: whether this is one more page of a file that is there. number: bytes of PAGE_NUMBER.
    """
    import tifffile

    big, info = pixels.nbytes > LARGEST_CLASSIC if big is None else big, info or metadata.Metadata()
    order, tags = exif.tree(info.exif) if info.exif else (order, {})
    below = [tag for tag in (exif.EXIF, exif.GPS) if tag in tags]
    extra = [(tag, *tags[tag], True) for tag in exif.OF_TIFF & set(tags) if tag not in below]
    # tifffile leaves out tags of directories, so these have the number before until they are there.
    extra += [(tag - 1, exif.LONG8 if big else exif.LONG, 1, 0, True) for tag in below]
    extra += [(PAGE_NUMBER, SHORT, 2, number, True)] if number else []
    values = {metadata.XMP: (1, info.xmp), metadata.PHOTOSHOP: (1, info.photoshop)}
    values[metadata.IPTC] = UNDEFINED, photoshop.iptc_of(info.photoshop)
    extra += [(tag, kind, len(value), value, True) for tag, (kind, value) in values.items() if value]
    dots = info.density
    tifffile.imwrite(
        path,
        pixels if pixels.shape[2] > 1 else pixels[..., 0],
        append="force" if append else False,  # type: ignore[arg-type]  # whatever descriptions say
        bigtiff=big,
        photometric="minisblack" if pixels.shape[2] < 3 else "rgb",
        planarconfig="contig" if pixels.shape[2] > 1 else None,
        extrasamples=["unassalpha"] if pixels.shape[2] in (2, 4) else None,
        compression="zlib",
        iccprofile=icc_profile,
        metadata=None,
        byteorder=order,
        extratags=[*extra, *geotiff.extra(info.geo)],
        resolution=dots and density.rationals(dots),
        resolutionunit=dots and dots.unit,
        software=False if exif.SOFTWARE in tags else None,
    )
    if below:
        with tifffile.TiffFile(path, mode="r+") as file:
            for tag in below:
                _add_directory(file, tag, tags[tag], order)


def _add_directory(file, tag, tags, order):
    """Adds a directory to a TIFF that has the number before its tag."""
    end = file.filehandle.seek(0, 2)
    end += file.filehandle.write(bytes(end % 2))
    file.filehandle.write(exif.packed(tags, order, end, file.is_bigtiff))
    entry = file.pages[-1].tags[tag - 1]
    entry.overwrite(end)
    file.filehandle.seek(entry.offset)
    file.filehandle.write(struct.pack(order + "H", tag))
