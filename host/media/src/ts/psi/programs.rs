//! The PAT and the PMT in force, followed through a stream.

use super::{Pat, Pmt, PsiError, Sections};
use crate::ts::packet::{Packet, Pid};

/// What a packet changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// Nothing.
    None,
    /// The PMT is another one, or gone: look at [`Programs::pmt`].
    Changed,
    /// A section could not be used.
    Damaged(PsiError),
}

/// Follows PAT and PMT. Of several programs, the first of the PAT.
#[derive(Debug, Default)]
pub struct Programs {
    pat_sections: Sections,
    pmt_sections: Sections,
    pat: Option<Pat>,
    pmt: Option<Pmt>,
}

impl Programs {
    /// Empty: nothing known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether [`Programs::push`] wants packets of this PID.
    pub fn wants(&self, pid: Pid) -> bool {
        pid == Pid::PAT || self.pmt_pid() == Some(pid)
    }

    /// Takes a packet; of other PIDs than it wants, nothing.
    pub fn push(&mut self, packet: Packet<'_>) -> Update {
        let pid = packet.pid();
        let mut update = Update::None;
        if pid == Pid::PAT {
            let (pat, pmt) = (&mut self.pat, &mut self.pmt);
            let mut moved = false;
            self.pat_sections
                .push(packet, |section| match Pat::parse(section) {
                    Ok(new) => {
                        let before = first_program(pat.as_ref());
                        // A further section of a long PAT holds no first program.
                        if section.get(6) == Some(&0) {
                            *pat = Some(new);
                        }
                        if first_program(pat.as_ref()) != before {
                            moved = true;
                            if pmt.take().is_some() {
                                update = Update::Changed;
                            }
                        }
                    }
                    Err(error) => update = damaged(error),
                });
            if moved {
                self.pmt_sections = Sections::default();
            }
        } else if self.pmt_pid() == Some(pid) {
            let number = first_program(self.pat.as_ref()).map(|(number, _)| number);
            let pmt = &mut self.pmt;
            self.pmt_sections
                .push(packet, |section| match Pmt::parse(section) {
                    // Several programs may share a PMT PID.
                    Ok(new) if Some(new.number) == number => {
                        if pmt.as_ref() != Some(&new) {
                            *pmt = Some(new);
                            update = Update::Changed;
                        }
                    }
                    Ok(_) => {}
                    Err(error) => update = damaged(error),
                });
        }
        update
    }

    /// The program's elementary streams, once known.
    pub const fn pmt(&self) -> Option<&Pmt> {
        self.pmt.as_ref()
    }

    /// The association table, once known.
    pub const fn pat(&self) -> Option<&Pat> {
        self.pat.as_ref()
    }

    /// Where the PMT is, once known.
    pub fn pmt_pid(&self) -> Option<Pid> {
        first_program(self.pat.as_ref()).map(|(_, pid)| pid)
    }
}

fn first_program(pat: Option<&Pat>) -> Option<(u16, Pid)> {
    pat.and_then(|pat| pat.programs.first())
        .map(|entry| (entry.number, entry.pmt_pid))
}

/// Tables of other kinds on the same PID, or for later, are no damage.
const fn damaged(error: PsiError) -> Update {
    match error {
        PsiError::TableId { .. } | PsiError::NotCurrent => Update::None,
        PsiError::Truncated { .. } | PsiError::Crc => Update::Damaged(error),
    }
}
