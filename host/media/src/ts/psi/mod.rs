//! Program specific information: which PID carries what (ISO/IEC 13818-1 §2.4.4).

mod kind;
mod programs;
mod section;
mod tables;
mod write;

pub use kind::StreamKind;
pub use programs::{Programs, Update};
pub use section::{MAX_SECTION_BYTES, Sections, crc32};
pub use tables::{Pat, PatEntry, Pmt, PmtStream, PsiError};
pub use write::{pat_section, pmt_section, sdt_section, write_section};
