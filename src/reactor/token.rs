//! # Who is meant: the name of a connection
//!
//! A slot of the slab is used again as soon as its connection is buried, so a slot alone may name
//! the wrong peer. With the generation beside it, a name that outlived its connection finds nobody.

/// The name of one connection, for as long as it lives and never again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl ConnId {
    /// The slot: a small number, for tables that are indexed by connection. Slots are used again.
    pub const fn slot(self) -> usize {
        self.slot as usize
    }

    /// The whole name in one number, as a poll's token has room for it.
    pub const fn to_bits(self) -> u64 {
        (self.generation as u64) << 32 | self.slot as u64
    }

    /// The name that [`ConnId::to_bits`] made the number of.
    pub const fn from_bits(bits: u64) -> Self {
        Self {
            slot: bits as u32,
            generation: (bits >> 32) as u32,
        }
    }
}

/// One request on one connection: whom a later answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Call {
    /// The connection that asked.
    pub id: ConnId,
    /// Which of the connection's requests it was.
    pub(crate) number: u32,
}

impl Call {
    /// The name of a connection that stays without having asked for anything.
    pub(crate) const fn of(id: ConnId) -> Self {
        Self { id, number: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_survives_the_way_through_a_number() {
        for (slot, generation) in [(0, 0), (1, 2), (u32::MAX, 7), (7, u32::MAX)] {
            let id = ConnId { slot, generation };
            assert_eq!(ConnId::from_bits(id.to_bits()), id);
        }
    }
}
