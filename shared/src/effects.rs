//! Time and randomness, passed in: a test that brings its own sees the same run every time, and nobody sleeps in a test.

use std::sync::Arc;

use rand::Rng;

use crate::domain::ksuid::TAIL_BYTES;
use crate::domain::timestamp::Timestamp;
use crate::domain::trace::SPAN_ID_BYTES;

/// What time it is.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Where randomness comes from.
pub trait Random: Send + Sync {
    /// Fills the bytes; used for identifiers and secrets, so it must be cryptographically strong outside of tests.
    fn fill(&self, bytes: &mut [u8]);

    /// Uniform in 0..1, for jitter.
    fn fraction(&self) -> f64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        (u64::from_le_bytes(bytes) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// The free bytes of an identifier.
    fn id_tail(&self) -> [u8; TAIL_BYTES] {
        let mut tail = [0; TAIL_BYTES];
        self.fill(&mut tail);
        tail
    }

    /// The identifier of a step of a trace.
    fn span_id(&self) -> [u8; SPAN_ID_BYTES] {
        let mut span_id = [0; SPAN_ID_BYTES];
        self.fill(&mut span_id);
        span_id
    }
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // the one place that reads the real time
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(since_epoch.as_millis() as i64)
    }
}

/// The thread's cryptographically strong generator, seeded by the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[allow(clippy::disallowed_methods)] // the one place that draws real randomness
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

/// Time and randomness together, as they travel.
#[derive(Clone)]
pub struct Effects {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub random: Arc<dyn Random>,
}

impl Effects {
    /// The real ones.
    pub fn system() -> Self {
        Self { clock: Arc::new(SystemClock), random: Arc::new(SystemRandom) }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
