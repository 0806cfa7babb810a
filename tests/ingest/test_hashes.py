import hashlib
from io import BytesIO
from itertools import combinations

import pytest
from PIL import Image

from analysis.ingest.examine import examine
from analysis.ingest.hashes import hamming, look_alike, perceptual_hash, same_shape, sha256_of, signature
from tests import pictures


def test_sha256_is_of_the_whole_file_wherever_it_was_read_to():
    content = bytes(range(256)) * 10_000
    file = BytesIO(content)
    file.seek(1000)
    assert sha256_of(file) == hashlib.sha256(content).hexdigest()


def test_versions_of_a_picture_are_close_and_other_pictures_far():
    photo = pictures.photo(1, 800, 600)
    original = perceptual_hash(photo)
    versions = [
        photo.resize((400, 300)),
        photo.resize((1600, 1200)),
        photo.convert("L"),
        Image.open(BytesIO(pictures.encoded(photo, "jpeg", quality=30))),
    ]
    assert all(hamming(original, perceptual_hash(version)) <= 6 for version in versions)
    others = [perceptual_hash(pictures.photo(seed, 800, 600)) for seed in range(2, 12)]
    assert all(hamming(original, other) >= 16 for other in others)


def test_every_format_of_a_picture_has_nearly_the_same_hash():
    photo = pictures.photo(3)
    hashes = [examine(BytesIO(pictures.encoded(photo, form)), name="x").phash for form in pictures.FORMATS]
    assert max(hamming(hashes[0], other) for other in hashes) <= 6


def test_the_hash_is_a_signed_64_bit_number():
    hashes = [perceptual_hash(pictures.photo(seed, 64, 48)) for seed in range(20)]
    assert all(-(2**63) <= value < 2**63 for value in hashes)
    assert len(set(hashes)) == 20


@pytest.mark.parametrize("color", ["black", "white", "red", "lime", "blue", (128, 127, 126)])
def test_pictures_of_one_color_have_no_hash(color):
    flat = Image.new("RGB", (50, 40), color)
    assert perceptual_hash(flat) is None
    assert perceptual_hash(Image.open(BytesIO(pictures.encoded(flat, "jpeg", quality=30)))) is None


def test_signatures_of_versions_of_a_picture_look_alike():
    photo = pictures.photo(1, 800, 600)
    versions = [photo.resize((400, 300)), Image.open(BytesIO(pictures.encoded(photo, "jpeg", quality=30)))]
    assert [look_alike(signature(photo), signature(version)) for version in versions] == [True, True]
    assert len(signature(photo)) == 27


def test_signatures_of_the_same_shapes_in_another_color_do_not_look_alike():
    photo = pictures.photo(1)
    red, green, blue = photo.split()
    tinted = Image.merge("RGB", (red.point(lambda value: value // 4), green, blue))
    assert not look_alike(signature(photo), signature(tinted))


def test_pages_of_text_with_one_layout_do_not_look_alike():
    pages = [signature(pictures.text_page(seed)) for seed in range(12)]
    assert not any(look_alike(one, other) for one, other in combinations(pages, 2))
    again = pictures.text_page(0).resize((425, 550))
    assert look_alike(pages[0], signature(again))


def test_night_skies_do_not_look_alike():
    skies = [signature(pictures.night_sky(seed)) for seed in range(12)]
    assert not any(look_alike(one, other) for one, other in combinations(skies, 2))


def test_same_shape_allows_a_narrow_crop_only():
    assert same_shape((1200, 800), (600, 400))
    assert same_shape((1200, 800), (1100, 800))
    assert not same_shape((1200, 800), (800, 800))


def test_hamming_counts_bits_of_signed_numbers():
    assert hamming(-1, 0) == 64
    assert hamming(-1, -2) == 1
    assert hamming(5, 5) == 0
    assert hamming(-(2**63), 2**63 - 1) == 64
