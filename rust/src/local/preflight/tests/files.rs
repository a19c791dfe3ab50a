//! Minimal files that look like programs, libraries and packs of each system.

/// An ELF for `machine`: a position-independent program with a loader, or a library.
pub(super) fn elf(machine: u16, is_library: bool) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    bytes[16..18].copy_from_slice(&3u16.to_le_bytes());
    bytes[18..20].copy_from_slice(&machine.to_le_bytes());
    bytes[20..24].copy_from_slice(&1u32.to_le_bytes());
    bytes[32..40].copy_from_slice(&64u64.to_le_bytes());
    bytes[52..54].copy_from_slice(&64u16.to_le_bytes());
    bytes[54..56].copy_from_slice(&56u16.to_le_bytes());
    bytes[56..58].copy_from_slice(&1u16.to_le_bytes());
    let kind = if is_library { 1u32 } else { 3 };
    bytes.extend_from_slice(&kind.to_le_bytes());
    bytes.resize(64 + 56 + 16, 0);
    bytes
}

/// A 64-bit PE.
pub(super) fn pe(machine: u16, is_library: bool) -> Vec<u8> {
    let mut bytes = vec![0; 0x80];
    bytes[..2].copy_from_slice(b"MZ");
    bytes[0x3c] = 0x80;
    bytes.extend_from_slice(b"PE\0\0");
    bytes.extend_from_slice(&machine.to_le_bytes());
    bytes.resize(0x80 + 20, 0);
    bytes.extend_from_slice(&240u16.to_le_bytes());
    let characteristics = if is_library { 0x2022u16 } else { 0x0022 };
    bytes.extend_from_slice(&characteristics.to_le_bytes());
    let optional = bytes.len();
    bytes.extend_from_slice(&0x20bu16.to_le_bytes());
    bytes.resize(optional + 108, 0);
    bytes.extend_from_slice(&16u32.to_le_bytes());
    bytes.resize(optional + 240, 0);
    bytes
}

/// A .NET assembly: a PE whose code the runtime of any system compiles.
pub(super) fn managed_pe() -> Vec<u8> {
    let mut bytes = pe(0x8664, true);
    let directories = 0x80 + 24 + 112;
    bytes[directories + 14 * 8..directories + 14 * 8 + 4].copy_from_slice(&0x2008u32.to_le_bytes());
    bytes
}

/// A 64-bit Mach-O; kind 2 is a program, 6 a library.
pub(super) fn mach(cpu: u32, kind: u32) -> Vec<u8> {
    let mut bytes: Vec<u8> =
        [0xfeed_facf, cpu, 0, kind, 0, 0, 0, 0].iter().flat_map(|word: &u32| word.to_le_bytes()).collect();
    bytes.resize(256, 0);
    bytes
}

/// A universal Mach-O.
pub(super) fn fat_mach(cpus: &[u32]) -> Vec<u8> {
    let mut words = vec![0xcafe_babe, cpus.len() as u32];
    for cpu in cpus {
        words.extend([*cpu, 0, 4096, 4096, 12]);
    }
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    bytes.resize(8192, 0);
    bytes
}

/// A Godot pack of two files with padding between them.
#[derive(Debug)]
pub(super) struct Pack {
    pub(super) format: u32,
    pub(super) engine: u32,
    pub(super) encrypted: bool,
    pub(super) content: &'static [u8],
}

impl Default for Pack {
    fn default() -> Self {
        Self { format: 2, engine: 4, encrypted: false, content: b"sixteen letters." }
    }
}

impl Pack {
    /// `seed` determines the padding.
    pub(super) fn bytes(&self, seed: u8) -> Vec<u8> {
        let mut out = b"GDPC".to_vec();
        let mut word = |word: u32| out.extend_from_slice(&word.to_le_bytes());
        [self.format, self.engine, 3, 1].into_iter().for_each(&mut word);
        if self.format >= 2 {
            [u32::from(self.encrypted), 0, 0].into_iter().for_each(&mut word);
        }
        let directory = self.directory();
        let files = [self.content, &[seed; 16], b"a", &[seed.wrapping_mul(31); 15]].concat();
        if self.format >= 3 {
            out.extend_from_slice(&((100 + files.len()) as u64).to_le_bytes());
            out.resize(100, 0);
            [out, files, directory].concat()
        } else {
            out.resize(out.len() + 64, 0);
            [out, directory, files].concat()
        }
    }

    /// The pack at the end of a program.
    pub(super) fn within(&self, program: &[u8], seed: u8) -> Vec<u8> {
        let pack = self.bytes(seed);
        [program, &pack, &(pack.len() as u64).to_le_bytes(), b"GDPC"].concat()
    }

    fn directory(&self) -> Vec<u8> {
        let mut out = 2u32.to_le_bytes().to_vec();
        for (path, content) in [("res://a.scn\0", self.content), ("res://b.gdc\0", b"a")] {
            out.extend_from_slice(&(path.len() as u32).to_le_bytes());
            out.extend_from_slice(path.as_bytes());
            out.extend_from_slice(&0u64.to_le_bytes());
            out.extend_from_slice(&(content.len() as u64).to_le_bytes());
            // Any function of the content will do.
            let sum = content.iter().fold([1u8; 16], |mut sum, byte| {
                sum.rotate_left(1);
                sum[0] = sum[0].wrapping_mul(31).wrapping_add(*byte);
                sum
            });
            out.extend_from_slice(&sum);
            if self.format >= 2 {
                out.extend_from_slice(&0u32.to_le_bytes());
            }
        }
        out
    }
}
