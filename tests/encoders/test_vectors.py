"""Word vectors: formats, case fallback, concatenation, damaged files."""

import gzip
import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tasktalk.core.errors import DataError
from tasktalk.encoders.vectors import load_vectors, vector_checksums, vector_words

TABLE = {"the": [0.5, -1.0, 2.0], "Ann": [1.0, 1.0, 1.0], "ann": [3.0, 3.0, 3.0], "naïve": [1e-3, 0.0, 7.0]}
TEXT = "".join(f"{word} {' '.join(map(str, numbers))}\n" for word, numbers in TABLE.items()).encode()


def write_text(folder: Path) -> Path:
    path = folder / "glove.txt"
    path.write_bytes(TEXT)
    return path


def write_header(folder: Path) -> Path:
    path = folder / "word2vec.vec"
    path.write_bytes(b"4 3\n" + TEXT.replace(b"\n", b" \n"))  # fastText ends its lines with a space
    return path


def write_gz(folder: Path) -> Path:
    path = folder / "glove.txt.gz"
    path.write_bytes(gzip.compress(TEXT))
    return path


def write_zip(folder: Path) -> Path:
    path = folder / "glove.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("folder/", b"")
        archive.writestr("folder/glove.3d.txt", TEXT)
    return path


def write_zip_member(folder: Path) -> Path:
    path = folder / "glove.6B.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("glove.1d.txt", b"the 1\n")
        archive.writestr("glove.3d.txt", TEXT)
    return Path(f"{path}:glove.3d.txt")


def write_npz(folder: Path, dtype: str = "float64") -> Path:
    path = folder / "glove.npz"
    np.savez(path, words=np.array("\n".join(TABLE)), vectors=np.array(list(TABLE.values()), dtype=dtype))
    return path


WRITERS = [write_text, write_header, write_gz, write_zip, write_zip_member, write_npz]


@pytest.mark.parametrize("write", WRITERS)
def test_every_format_gives_the_same_vectors(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    vectors, found = load_vectors([write(tmp_path)], ["naïve", "absent", "the"])
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, np.array([TABLE["naïve"], [0, 0, 0], TABLE["the"]], dtype=np.float32))
    assert found.tolist() == [True, False, True]


@pytest.mark.parametrize("write", WRITERS)
def test_exact_spelling_first_and_lower_case_second(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    words = ["Ann", "ann", "ANN", "The", "tHe"]
    vectors, found = load_vectors([write(tmp_path)], words)
    assert vectors[:, 0].tolist() == [1.0, 3.0, 3.0, 0.5, 0.5]
    assert found.all()
    assert vector_words([write(tmp_path)], [*words, "absent"]) == set(words)


def test_half_precision_becomes_float32(tmp_path: Path) -> None:
    vectors, _ = load_vectors([write_npz(tmp_path, "float16")], ["the"])
    assert vectors.dtype == np.float32


def test_files_stand_side_by_side(tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("the 9 8\nonly 7 6\n")
    paths = [write_text(tmp_path), other]
    vectors, found = load_vectors(paths, ["the", "only", "ann", "absent"])
    assert vectors.tolist() == [[0.5, -1, 2, 9, 8], [0, 0, 0, 7, 6], [3, 3, 3, 0, 0], [0, 0, 0, 0, 0]]
    assert found.tolist() == [True, True, True, False]
    assert vector_words(paths, ["the", "only", "absent"]) == {"the", "only"}


def test_the_first_of_two_lines_of_a_word_counts(tmp_path: Path) -> None:
    path = tmp_path / "glove.txt"
    path.write_text("the 1 2\nthe 3 4\n")
    assert load_vectors([path], ["the"])[0].tolist() == [[1, 2]]


def test_words_with_spaces_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "glove.txt"
    path.write_text("the 1 2\n. . . 3 4\nat name@domain.com 5 6\na\u0085b 7 8\n")
    assert load_vectors([path], ["the", ".", "a\u0085b"])[0].tolist() == [[1, 2], [0, 0], [7, 8]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("the 1 2 3\nof 1 2\n", "line 2: expected a word and 3 numbers, found 2 numbers"),
        ("the 1 2 3\nof 1 2 3 4\n", "line 2: expected a word and 3 numbers, found 4 numbers"),
        ("the 1 2 3\n\nof 1 2 3\n", "line 2: expected a word and 3 numbers, found 0 numbers"),
        ("2 4\nthe 1 2 3\n", "line 2: expected a word and 4 numbers, found 3 numbers"),
        ("of 1 2\nthe 1 x\n", "line 2: expected numbers after the word, found: could not convert"),
        ("of 1 2\nthe 1 inf\n", "line 2: expected finite numbers"),
        ("of\nthe\n", r"line 1: expected a word and its numbers, found b'of\\n'"),
        ("", "line 1: expected a word and its numbers, found b''"),
        ("zebra 1 2\n", "expected vectors for some of the 1 words, found none of them"),
    ],
)
def test_damaged_text_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "glove.txt"
    path.write_text(content)
    with pytest.raises(DataError, match=rf"glove\.txt.*{message}"):
        load_vectors([path], ["the"])


@pytest.mark.parametrize("name", ["v.txt", "v.gz", "v.zip", "v.zip:member", "v.npz"])
def test_a_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=f"{name}: expected a file of word vectors, found no such file"):
        load_vectors([tmp_path / name], ["the"])


@pytest.mark.parametrize("write", [write_gz, write_zip, write_npz])
def test_a_truncated_file_is_refused(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    path = write(tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match=f"{path.name}: expected a readable file of word vectors"):
        load_vectors([path], ["the"])


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a readable file of word vectors, found: .*Is a directory"):
        load_vectors([tmp_path], ["the"])


def test_no_file_is_refused() -> None:
    with pytest.raises(DataError, match="expected at least one file"):
        load_vectors([], ["the"])


def test_a_zip_with_several_members_needs_a_name(tmp_path: Path) -> None:
    path = tmp_path / "glove.6B.zip"
    write_zip_member(tmp_path)
    with pytest.raises(DataError, match="found 2 members; choose from glove.1d.txt, glove.3d.txt"):
        load_vectors([path], ["the"])
    with pytest.raises(DataError, match=r"found 'glove.3.txt'; did you mean 'glove.3d.txt'"):
        load_vectors([f"{path}:glove.3.txt"], ["the"])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"word": np.array("the"), "vectors": np.ones((1, 2))}, "'words' and 'vectors', found word, vectors"),
        ({"words": np.array("the\nof"), "vectors": np.ones((1, 2))}, "for 2 words, .* found float64 of shape .1, 2."),
        ({"words": np.array("the"), "vectors": np.ones(1)}, r"found float64 of shape \(1,\)"),
        ({"words": np.array("the"), "vectors": np.array([["x", "y"]])}, "found <U1 of shape"),
        (
            {"words": np.array(["the"], dtype=object), "vectors": np.ones((1, 2))},
            "found: Object arrays cannot be loaded",
        ),
    ],
)
def test_wrong_arrays_are_refused(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    path = tmp_path / "glove.npz"
    np.savez(path, allow_pickle=True, **arrays)
    with pytest.raises(DataError, match=rf"glove\.npz: .*{message}"):
        load_vectors([path], ["the"])


def test_a_single_array_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "glove.npz"
    with path.open("wb") as file:
        np.save(file, np.ones(3))
    with pytest.raises(DataError, match="found a single array"):
        load_vectors([path], ["the"])


def test_the_real_files_give_150_features(real_data: Path) -> None:
    names = ("glove.6B.50d.subset.npz", "glove.6B.100d.wink.subset.npz")
    paths = [real_data / "embeddings" / name for name in names]
    vectors, found = load_vectors(paths, ["the", "a", "qqqqqqq"])
    assert vectors.shape == (3, 150)
    assert found.tolist() == [True, True, False]
    assert (vectors[1, :50] != 0).all()
    assert (vectors[1, 50:] == 0).all()  # the 100-d file lacks "a"


def test_checksums_are_those_of_the_files(tmp_path: Path) -> None:
    text, archive = tmp_path / "v.txt", tmp_path / "v.zip"
    text.write_bytes(b"a 1 2\n")
    with zipfile.ZipFile(archive, "w") as file:
        file.write(text, "v.txt")
    sums = vector_checksums([text, f"{archive}:v.txt"])
    assert sums["v.txt"] == hashlib.sha256(b"a 1 2\n").hexdigest()
    assert sums["v.zip:v.txt"] == hashlib.sha256(archive.read_bytes()).hexdigest()
