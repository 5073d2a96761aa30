//! Files of every format and encoding, whole, in parts, cut, broken: what comes out of them, and what is held meanwhile.

mod arrays;
mod csv;
mod every_file;
mod lines;
mod long;
mod zoo;

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::{BadFile, BadRecord, Columns, Detected, Encoding, Format, ReadPlan, Record, RecordReader, Resume, detect};

/// What came out of a file.
#[derive(Debug, PartialEq)]
struct Reading {
    records: Vec<Record>,
    bad: Option<BadFile>,
}

impl Reading {
    /// The records, of a file that is good.
    #[track_caller]
    fn all(self) -> Vec<Record> {
        assert_eq!(self.bad, None);
        self.records
    }

    /// What the records say: their number, and their text or what is wrong.
    fn texts(&self) -> Vec<(u64, String)> {
        let text = |json: &Result<Bytes, BadRecord>| match json {
            Ok(json) => String::from_utf8(json.to_vec()).unwrap(),
            Err(bad) => bad.to_string(),
        };
        self.records.iter().map(|record| (record.number, text(&record.json))).collect()
    }
}

fn file(format: Format, encoding: Encoding) -> Detected {
    Detected { encoding, format }
}

fn plain(format: Format) -> Detected {
    file(format, Encoding::Plain)
}

/// Reads what is planned, fed in chunks of these sizes, over and over.
fn read(plan: ReadPlan, stored: &[u8], chunks: &[usize]) -> Reading {
    let mut fed = Fed::new(plan, stored, chunks);
    let mut records = Vec::new();
    loop {
        match fed.next() {
            Ok(Some(record)) => records.push(record),
            Ok(None) => return Reading { records, bad: None },
            Err(bad) => return Reading { records, bad: Some(bad) },
        }
    }
}

/// All of a file, in one chunk.
fn read_all(file: Detected, stored: &[u8]) -> Reading {
    read(ReadPlan::whole(file, stored.len() as u64), stored, &[usize::MAX])
}

/// A reader with somebody who feeds it.
struct Fed<'a> {
    reader: RecordReader,
    left: &'a [u8],
    chunks: Box<dyn Iterator<Item = usize> + 'a>,
    /// Most that was held at once.
    held_bytes_max: usize,
}

impl<'a> Fed<'a> {
    fn new(plan: ReadPlan, stored: &'a [u8], chunks: &'a [usize]) -> Self {
        let reader = RecordReader::new(plan);
        let left = &stored[reader.input_offset() as usize..];
        Self { reader, left, chunks: Box::new(chunks.iter().copied().cycle()), held_bytes_max: 0 }
    }

    fn next(&mut self) -> Result<Option<Record>, BadFile> {
        loop {
            let next = self.reader.next_record()?;
            self.held_bytes_max = self.held_bytes_max.max(self.reader.held_bytes());
            if next.is_some() || self.reader.is_over() {
                return Ok(next);
            }
            self.feed();
        }
    }

    /// A file that is fed to its end and is not over would be fed for ever.
    fn feed(&mut self) {
        assert!(!self.reader.is_ended(), "nothing is left and it is not over");
        if self.left.is_empty() {
            return self.reader.end();
        }
        let (chunk, left) = self.left.split_at(self.chunks.next().unwrap().clamp(1, self.left.len()));
        self.reader.feed(Bytes::copy_from_slice(chunk));
        self.left = left;
    }
}

fn encode(encoding: Encoding, plain: &[u8]) -> Vec<u8> {
    match encoding {
        Encoding::Plain => plain.to_vec(),
        Encoding::Gzip => gzip(plain),
        Encoding::Zstd => zstd(plain),
    }
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// With a checksum, as the command line tool writes it.
fn zstd(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ::zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}
