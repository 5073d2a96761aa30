//! The whole gateway on one machine.
