//! Stored bytes to decoded bytes, a bounded piece at a time and only when one is asked for: a chunk that decodes to a
//! gigabyte never exists as one.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};
use flate2::{Decompress, FlushDecompress, Status};
use zstd::zstd_safe::zstd_sys::ZSTD_ErrorCode::ZSTD_error_frameParameter_windowTooLarge;
use zstd::zstd_safe::{DCtx, DParameter, ErrorCode, InBuffer, OutBuffer, get_error_name, is_error_kind};

use super::{BadFile, Encoding};

/// Largest decoded piece of compressed data: fits into the processor's cache, together with what is made of it.
pub(super) const PIECE_BYTES_MAX: usize = 64 * 1024;

/// Largest window of zstd data, as a power of two: 32 MiB. All levels up to 19 need 8 MiB at most; the window is held as long
/// as the file is read, and on one machine several files are read at once.
pub(super) const WINDOW_LOG_MAX: u32 = 25;

/// Size of deflate's window, as a power of two; the format has no larger one.
const DEFLATE_WINDOW_LOG: u8 = 15;

/// When decoded data is taken for an attack.
#[derive(Clone, Copy, Debug)]
pub(super) struct DecodeLimits {
    /// More than this is not decoded at all.
    pub(super) decoded_bytes_max: u64,
    /// Bytes that may come out of one stored byte, on average.
    pub(super) ratio_max: u64,
    /// The ratio says nothing before this much was decoded.
    pub(super) ratio_from_bytes: u64,
}

/// 50 GiB are a hundred million messages of 500 bytes. Lines that differ in nothing but a number were measured to compress by
/// 47 with gzip and by 127 with zstd at level 19, one and the same line over and over by 294 with gzip; deflate cannot exceed
/// 1,032. Beyond 500 there is nothing worth delivering.
pub(super) const DECODE_LIMITS: DecodeLimits =
    DecodeLimits { decoded_bytes_max: 50 * 1024 * 1024 * 1024, ratio_max: 500, ratio_from_bytes: 64 * 1024 * 1024 };

/// What decoding comes to.
pub(super) enum Decoded {
    /// The next decoded bytes, never none.
    Piece(Bytes),
    /// It has to be fed.
    Hungry,
    /// There are no more.
    Over,
}

/// Decodes one file.
pub(super) struct Decoder {
    encoding: Encoding,
    codec: Codec,
    limits: DecodeLimits,
    fed: VecDeque<Bytes>,
    is_ended: bool,
    stored_bytes_fed: u64,
    stored_bytes_taken: u64,
    decoded_bytes: u64,
    /// The codec may have more to give without being given any.
    is_full: bool,
    out: Vec<u8>,
}

impl Decoder {
    pub(super) fn new(encoding: Encoding, limits: DecodeLimits) -> Self {
        let (codec, out) = match encoding {
            Encoding::Plain => (Codec::Plain, Vec::new()),
            Encoding::Gzip => (Codec::Gzip(Gunzip::new()), vec![0; PIECE_BYTES_MAX]),
            Encoding::Zstd => (Codec::Zstd(Unzstd::new()), vec![0; PIECE_BYTES_MAX]),
        };
        Self {
            encoding,
            codec,
            limits,
            fed: VecDeque::new(),
            is_ended: false,
            stored_bytes_fed: 0,
            stored_bytes_taken: 0,
            decoded_bytes: 0,
            is_full: false,
            out,
        }
    }

    pub(super) fn feed(&mut self, bytes: Bytes) {
        self.stored_bytes_fed += bytes.len() as u64;
        if !bytes.is_empty() {
            self.fed.push_back(bytes);
        }
    }

    pub(super) fn end(&mut self) {
        self.is_ended = true;
    }

    /// Bytes it was given.
    pub(super) fn stored_bytes_fed(&self) -> u64 {
        self.stored_bytes_fed
    }

    /// Bytes of those that the pieces were made of.
    pub(super) fn stored_bytes_taken(&self) -> u64 {
        self.stored_bytes_taken
    }

    pub(super) fn next_piece(&mut self) -> Result<Decoded, BadFile> {
        match self.codec {
            Codec::Plain => Ok(self.next_fed()),
            Codec::Gzip(_) | Codec::Zstd(_) => self.next_decoded(),
        }
    }

    fn next_fed(&mut self) -> Decoded {
        match self.fed.pop_front() {
            Some(piece) => {
                self.stored_bytes_taken += piece.len() as u64;
                Decoded::Piece(piece)
            }
            None if self.is_ended => Decoded::Over,
            None => Decoded::Hungry,
        }
    }
    fn next_decoded(&mut self) -> Result<Decoded, BadFile> {
        loop {
            let input = self.fed.front().map_or(&[][..], Bytes::as_ref);
            if input.is_empty() && !self.is_full {
                return self.without_input();
            }
            let step = self.codec.step(input, &mut self.out).map_err(|fault| self.bad(fault))?;
            self.is_full = step.written == self.out.len() && !step.is_at_end;
            self.take(step.read);
            if step.written > 0 {
                self.count(step.written)?;
                // A copy of its own size, so that a record kept for long does not keep a whole buffer.
                return Ok(Decoded::Piece(Bytes::copy_from_slice(&self.out[..step.written])));
            }
        }
    }

    fn without_input(&self) -> Result<Decoded, BadFile> {
        match (self.is_ended, self.codec.is_between()) {
            (false, _) => Ok(Decoded::Hungry),
            (true, true) => Ok(Decoded::Over),
            (true, false) => Err(BadFile::Truncated { encoding: self.encoding }),
        }
    }

    fn take(&mut self, bytes: usize) {
        self.stored_bytes_taken += bytes as u64;
        if let Some(front) = self.fed.front_mut() {
            front.advance(bytes);
        }
        if self.fed.front().is_some_and(Bytes::is_empty) {
            self.fed.pop_front();
        }
    }

    fn count(&mut self, bytes: usize) -> Result<(), BadFile> {
        self.decoded_bytes += bytes as u64;
        let ratio_bytes_max = self.stored_bytes_taken.saturating_mul(self.limits.ratio_max);
        let is_swollen = self.decoded_bytes > ratio_bytes_max.max(self.limits.ratio_from_bytes);
        let is_bomb = is_swollen || self.decoded_bytes > self.limits.decoded_bytes_max;
        if is_bomb { Err(BadFile::Bomb) } else { Ok(()) }
    }

    fn bad(&self, fault: Fault) -> BadFile {
        match fault {
            Fault::Window => BadFile::Window,
            Fault::Damaged(reason) => BadFile::Damaged { encoding: self.encoding, reason },
        }
    }

    #[cfg(test)]
    pub(super) fn is_ended(&self) -> bool {
        self.is_ended
    }

    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.out.len() + self.fed.iter().map(Bytes::len).sum::<usize>()
    }
}

/// What one step of a codec did.
struct Step {
    /// Bytes it took.
    read: usize,
    /// Bytes it gave.
    written: usize,
    /// Whether a member or frame ended with them, and nothing of it is left inside.
    is_at_end: bool,
}

/// Why a codec cannot go on.
enum Fault {
    Damaged(String),
    Window,
}

impl Fault {
    fn damaged(reason: Option<&str>) -> Self {
        Self::Damaged(reason.unwrap_or("it cannot be decoded").to_owned())
    }
}

enum Codec {
    Plain,
    Gzip(Gunzip),
    Zstd(Unzstd),
}

impl Codec {
    /// Decodes some of the input; a step that gets nowhere with input is a fault.
    fn step(&mut self, input: &[u8], out: &mut [u8]) -> Result<Step, Fault> {
        let step = match self {
            Self::Plain => Step { read: 0, written: 0, is_at_end: false },
            Self::Gzip(gunzip) => gunzip.step(input, out)?,
            Self::Zstd(unzstd) => unzstd.step(input, out)?,
        };
        let is_stuck = step.read == 0 && step.written == 0 && !step.is_at_end;
        if is_stuck && !input.is_empty() {
            return Err(Fault::damaged(None));
        }
        Ok(step)
    }

    /// Whether the data may end here: between two members or frames.
    fn is_between(&self) -> bool {
        match self {
            Self::Plain => true,
            Self::Gzip(gunzip) => gunzip.is_between,
            Self::Zstd(unzstd) => unzstd.is_between,
        }
    }
}

/// Gzip, member after member.
struct Gunzip {
    inflate: Decompress,
    is_between: bool,
}

impl Gunzip {
    fn new() -> Self {
        Self { inflate: Decompress::new_gzip(DEFLATE_WINDOW_LOG), is_between: true }
    }

    fn step(&mut self, input: &[u8], out: &mut [u8]) -> Result<Step, Fault> {
        let (read_before, written_before) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self.inflate.decompress(input, out, FlushDecompress::None);
        let status = status.map_err(|error| Fault::damaged(error.message()))?;
        let step = Step {
            read: (self.inflate.total_in() - read_before) as usize,
            written: (self.inflate.total_out() - written_before) as usize,
            is_at_end: status == Status::StreamEnd,
        };
        if step.is_at_end {
            self.inflate.reset(true);
        }
        self.is_between = step.is_at_end || (self.is_between && step.read == 0);
        Ok(step)
    }
}

/// Zstandard, frame after frame.
struct Unzstd {
    context: DCtx<'static>,
    is_between: bool,
}

impl Unzstd {
    fn new() -> Self {
        Self { context: DCtx::create(), is_between: true }
    }

    fn step(&mut self, input: &[u8], out: &mut [u8]) -> Result<Step, Fault> {
        if self.is_between {
            self.context.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX)).map_err(fault)?;
        }
        let (mut input, mut out) = (InBuffer::around(input), OutBuffer::around(out));
        let hint = self.context.decompress_stream(&mut out, &mut input).map_err(fault)?;
        let step = Step { read: input.pos(), written: out.pos(), is_at_end: hint == 0 };
        self.is_between = step.is_at_end || (self.is_between && step.read == 0);
        Ok(step)
    }
}

fn fault(code: ErrorCode) -> Fault {
    if is_error_kind(code, ZSTD_error_frameParameter_windowTooLarge) {
        return Fault::Window;
    }
    Fault::damaged(Some(get_error_name(code)))
}
