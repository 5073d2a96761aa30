//! What a file is, told from its first bytes: names lie, and often there is none.

use bytes::{Bytes, BytesMut};

use super::decode::{DECODE_LIMITS, Decoded, Decoder};
use super::{BYTE_ORDER_MARK, BadFile};

/// So many of a file's first bytes are enough to tell what it is: zstd gives nothing before it has a whole block, and one has up
/// to 128 KiB.
pub const DETECT_BYTES: usize = 256 * 1024;

/// So many decoded bytes are looked at.
const TEXT_BYTES: usize = 16 * 1024;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Not at all.
    Plain,
    /// Members of RFC 1952, one or many.
    Gzip,
    /// Frames of RFC 8878, one or many.
    Zstd,
}

impl Encoding {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Gzip, Self::Zstd];

    /// Its name on the wire and in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// The one of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.as_str() == text)
    }
}

impl std::fmt::Display for Encoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How records stand in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Format {
    /// One JSON text on each line.
    #[serde(rename = "ndjson")]
    Ndjson,
    /// The elements of one JSON array.
    #[serde(rename = "json")]
    JsonArray,
    /// Rows of cells below a header: RFC 4180, or with another delimiter.
    #[serde(rename = "csv")]
    Csv,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ndjson, Self::JsonArray, Self::Csv];

    /// Its name on the wire and in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::JsonArray => "json",
            Self::Csv => "csv",
        }
    }

    /// The one of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.as_str() == text)
    }
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detected {
    /// How it is compressed.
    pub encoding: Encoding,
    /// How its records stand in it.
    pub format: Format,
}

impl Detected {
    /// Whether parts of it can be read without what is before them.
    pub fn is_divisible(self) -> bool {
        matches!((self.encoding, self.format), (Encoding::Plain, Format::Ndjson))
    }
}

/// Tells what a file is from its first bytes: [`DETECT_BYTES`] of them, or all if there are not as many.
pub fn detect(head: &[u8]) -> Result<Detected, BadFile> {
    let encoding = encoding_of(head);
    let text = decoded(encoding, head)?;
    if text.is_empty() && head.len() >= DETECT_BYTES {
        return Err(BadFile::Unknown { looks_like: "compressed data that begins with nothing" });
    }
    match looks_like(&text) {
        Some(looks_like) => Err(BadFile::Unknown { looks_like }),
        None => Ok(Detected { encoding, format: format_of(&text)? }),
    }
}

fn encoding_of(head: &[u8]) -> Encoding {
    match head {
        [0x1f, 0x8b, ..] => Encoding::Gzip,
        // A frame, or one that is to be skipped.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Encoding::Zstd,
        _ => Encoding::Plain,
    }
}

/// What the first bytes decode to: enough to look at, or what there is.
fn decoded(encoding: Encoding, head: &[u8]) -> Result<Bytes, BadFile> {
    let mut decoder = Decoder::new(encoding, DECODE_LIMITS);
    decoder.feed(Bytes::copy_from_slice(head));
    let mut text = BytesMut::new();
    while text.len() < TEXT_BYTES {
        match decoder.next_piece()? {
            Decoded::Piece(piece) => text.extend_from_slice(&piece),
            Decoded::Hungry | Decoded::Over => break,
        }
    }
    Ok(text.freeze())
}

/// First bytes of what people upload by mistake.
const OTHER_FORMATS: [(&[u8], &str); 21] = [
    (b"\xff\xfe", "UTF-16 or UTF-32 text"),
    (b"\xfe\xff", "UTF-16 text"),
    (b"\0\0\xfe\xff", "UTF-32 text"),
    (b"PAR1\x15", "a Parquet file"),
    (b"Obj\x01", "an Avro file"),
    (b"ARROW1\0", "an Arrow file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"PK\x03\x04", "a zip archive or an Excel file"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file"),
    (b"%PDF-", "a PDF file"),
    (b"\x1f\x8b", "gzip in another compression"),
    (b"\x28\xb5\x2f\xfd", "zstd in another compression"),
    (b"BZh9", "bzip2 data"),
    (b"\xfd7zXZ\0", "xz data"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x04\x22\x4d\x18", "lz4 data"),
    (b"\xff\x06\0\0sNaPpY", "snappy data"),
    (b"\x1f\x9d", "compress data"),
    (b"<", "XML or HTML"),
    (b"{\\rtf", "rich text"),
];

/// What it is, if records are not read from it.
fn looks_like(text: &[u8]) -> Option<&'static str> {
    let other = OTHER_FORMATS.iter().find(|(magic, _)| text.starts_with(magic));
    let is_binary = || text.split(|byte| *byte == b'\n').next().is_some_and(|line| line.contains(&0));
    other.map(|(_, name)| *name).or_else(|| is_binary().then_some("binary data"))
}

fn format_of(text: &[u8]) -> Result<Format, BadFile> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text).trim_ascii_start();
    let first_line = text.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    match first_line {
        b"{" if text.len() > first_line.len() => {
            Err(BadFile::Unknown { looks_like: "one JSON object over several lines" })
        }
        // Of nothing there are no records, whatever it is.
        [b'{', ..] | [] => Ok(Format::Ndjson),
        [b'[', ..] => Ok(Format::JsonArray),
        _ => Ok(Format::Csv),
    }
}
