import hashlib
from io import BytesIO

from PIL import Image

from analysis.ingest.examine import examine
from analysis.ingest.hashes import hamming, perceptual_hash, sha256_of
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


def test_flat_pictures_of_all_colors_have_one_hash():
    assert len({perceptual_hash(Image.new("RGB", (50, 40), color)) for color in ("black", "white", "red")}) == 1


def test_hamming_counts_bits_of_signed_numbers():
    assert hamming(-1, 0) == 64
    assert hamming(-1, -2) == 1
    assert hamming(5, 5) == 0
    assert hamming(-(2**63), 2**63 - 1) == 64
