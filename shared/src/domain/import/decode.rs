//! Stored bytes to decoded bytes, a bounded piece at a time and only when one is asked for: a chunk that decodes to a
//! gigabyte never exists as one.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};
use flate2::{Decompress, FlushDecompress, Status};
use zstd::zstd_safe::zstd_sys::ZSTD_ErrorCode::ZSTD_error_frameParameter_windowTooLarge;
use zstd::zstd_safe::{DCtx, DParameter, ErrorCode, InBuffer, OutBuffer, SafeResult, get_error_name, is_error_kind};

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
    /// None: the file is plain.
    codec: Option<Codec>,
    limits: DecodeLimits,
    fed: VecDeque<Bytes>,
    is_ended: bool,
    stored_bytes_fed: u64,
    stored_bytes_taken: u64,
    decoded_bytes: u64,
    /// The codec may have more to give without being given any.
    is_full: bool,
    /// The data may end here: between two members or frames.
    is_between: bool,
    /// Where the codec writes.
    out: Vec<u8>,
}

impl Decoder {
    pub(super) fn new(encoding: Encoding, limits: DecodeLimits) -> Self {
        let codec = match encoding {
            Encoding::Plain => None,
            Encoding::Gzip => Some(Codec::Gzip(Decompress::new_gzip(DEFLATE_WINDOW_LOG))),
            Encoding::Zstd => Some(Codec::Zstd(Unzstd::new())),
        };
        Self {
            encoding,
            out: if codec.is_some() { vec![0; PIECE_BYTES_MAX] } else { Vec::new() },
            codec,
            limits,
            fed: VecDeque::new(),
            is_ended: false,
            stored_bytes_fed: 0,
            stored_bytes_taken: 0,
            decoded_bytes: 0,
            is_full: false,
            is_between: true,
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

    /// The next piece: of a plain file what was fed, of another not more than [`PIECE_BYTES_MAX`].
    pub(super) fn next_piece(&mut self) -> Result<Decoded, BadFile> {
        loop {
            let Some(codec) = &mut self.codec else { return Ok(self.next_fed()) };
            let input = self.fed.front().map_or(&[][..], Bytes::as_ref);
            if input.is_empty() && !self.is_full {
                return self.without_input();
            }
            let step = codec.step(input, &mut self.out).map_err(|fault| fault.of(self.encoding))?;
            self.is_full = step.written == self.out.len() && !step.is_at_end;
            self.is_between = step.is_at_end || (self.is_between && step.read == 0);
            self.take(step.read);
            if step.written > 0 {
                self.count(step.written)?;
                // A copy of its own size, so that a record kept for long does not keep a whole buffer.
                return Ok(Decoded::Piece(Bytes::copy_from_slice(&self.out[..step.written])));
            }
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
    fn without_input(&self) -> Result<Decoded, BadFile> {
        match (self.is_ended, self.is_between) {
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

    fn of(self, encoding: Encoding) -> BadFile {
        match self {
            Self::Damaged(reason) => BadFile::Damaged { encoding, reason },
            Self::Window => BadFile::Window,
        }
    }
}

impl From<ErrorCode> for Fault {
    fn from(code: ErrorCode) -> Self {
        let is_window = is_error_kind(code, ZSTD_error_frameParameter_windowTooLarge);
        if is_window { Self::Window } else { Self::damaged(Some(get_error_name(code))) }
    }
}

/// Decodes members or frames, one after the other.
enum Codec {
    Gzip(Decompress),
    Zstd(Unzstd),
}

impl Codec {
    /// Decodes some of the input; a step that gets nowhere with input is a fault.
    fn step(&mut self, input: &[u8], out: &mut [u8]) -> Result<Step, Fault> {
        let step = match self {
            Self::Gzip(inflate) => gunzip(inflate, input, out)?,
            Self::Zstd(unzstd) => unzstd.step(input, out)?,
        };
        let is_stuck = step.read == 0 && step.written == 0 && !step.is_at_end;
        if is_stuck && !input.is_empty() {
            return Err(Fault::damaged(None));
        }
        Ok(step)
    }
}

fn gunzip(inflate: &mut Decompress, input: &[u8], out: &mut [u8]) -> Result<Step, Fault> {
    let (read_before, written_before) = (inflate.total_in(), inflate.total_out());
    let status = inflate.decompress(input, out, FlushDecompress::None);
    let status = status.map_err(|error| Fault::damaged(error.message()))?;
    let step = Step {
        read: (inflate.total_in() - read_before) as usize,
        written: (inflate.total_out() - written_before) as usize,
        is_at_end: status == Status::StreamEnd,
    };
    if step.is_at_end {
        inflate.reset(true);
    }
    Ok(step)
}

struct Unzstd {
    context: DCtx<'static>,
    /// Whether its memory is bounded: without that it decodes nothing.
    bound: SafeResult,
}

impl Unzstd {
    fn new() -> Self {
        let mut context = DCtx::create();
        let bound = context.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX));
        Self { context, bound }
    }

    fn step(&mut self, input: &[u8], out: &mut [u8]) -> Result<Step, Fault> {
        self.bound?;
        let (mut input, mut out) = (InBuffer::around(input), OutBuffer::around(out));
        let hint = self.context.decompress_stream(&mut out, &mut input)?;
        Ok(Step { read: input.pos(), written: out.pos(), is_at_end: hint == 0 })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// How many bytes come out under these limits.
    fn decoded_bytes(stored: &[u8], limits: DecodeLimits) -> Result<usize, BadFile> {
        let mut decoder = Decoder::new(Encoding::Zstd, limits);
        decoder.feed(Bytes::copy_from_slice(stored));
        decoder.end();
        let mut bytes = 0;
        while let Decoded::Piece(piece) = decoder.next_piece()? {
            assert!(piece.len() <= PIECE_BYTES_MAX);
            bytes += piece.len();
        }
        Ok(bytes)
    }

    #[test]
    fn no_more_is_decoded_than_the_limits_allow() {
        let stored = zstd::encode_all(&[0; 1_000_000][..], 1).unwrap();
        let limits = DecodeLimits { decoded_bytes_max: 1_000_000, ratio_max: 10, ratio_from_bytes: 1_000_000 };
        assert_eq!(decoded_bytes(&stored, limits), Ok(1_000_000));
        let less = DecodeLimits { decoded_bytes_max: 999_999, ..limits };
        assert_eq!(decoded_bytes(&stored, less), Err(BadFile::Bomb));
        let sooner = DecodeLimits { ratio_from_bytes: 999_999, ..limits };
        assert_eq!(decoded_bytes(&stored, sooner), Err(BadFile::Bomb));
        let patient = DecodeLimits { ratio_max: 1_000_000, ..sooner };
        assert_eq!(decoded_bytes(&stored, patient), Ok(1_000_000));
    }

    #[test]
    fn what_a_codec_holds_comes_out_before_more_is_wanted() {
        // A block of 128 KiB is two pieces; nothing of the next one is there.
        let block = vec![b'x'; 2 * PIECE_BYTES_MAX];
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
        encoder.write_all(&block).unwrap();
        encoder.flush().unwrap();
        let mut decoder = Decoder::new(Encoding::Zstd, DECODE_LIMITS);
        decoder.feed(encoder.get_ref().clone().into());
        let mut bytes = 0;
        while let Decoded::Piece(piece) = decoder.next_piece().unwrap() {
            bytes += piece.len();
        }
        assert_eq!(bytes, block.len());
    }
}
