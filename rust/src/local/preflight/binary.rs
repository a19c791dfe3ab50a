//! Recognizes the system and machine of a program or library from its first bytes.
//!
//! Object files, core dumps and .NET assemblies are not recognized: the first two are not run, and the last run
//! anywhere.

use std::fmt;

use object::endian::{BigEndian, Endianness, LittleEndian as LE};
use object::read::FileKind;
use object::read::elf::{FileHeader as _, ProgramHeader as _};
use object::read::macho::{FatArch, MachHeader as _, MachOFatFile};
use object::read::pe::ImageNtHeaders;
use object::{elf, macho, pe};

use crate::error::{Error, Result};
use crate::formats::release::Platform;

/// How much of a file [`Binary::of`] needs, in bytes: all headers that it reads are within this.
pub(super) const HEAD_BYTES: usize = 4096;

// A Java class begins like a universal Mach-O with at least 45 architectures.
const MAX_FAT_ARCHITECTURES: u32 = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum System {
    Linux,
    Windows,
    MacOs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Machine {
    X86_64,
    X86,
    Aarch64,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Program,
    Library,
}

/// A file that a system's loader accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binary {
    pub(super) system: System,
    pub(super) machines: Vec<Machine>,
    pub(super) role: Role,
    /// Whether it can be started: programs, and libraries that say where to begin.
    pub(super) starts: bool,
}

impl Binary {
    /// Recognizes a file from its first [`HEAD_BYTES`]; `name` is its file name.
    pub(super) fn of(head: &[u8], name: &str) -> Option<Self> {
        match FileKind::parse(head).ok()? {
            FileKind::Elf64 => elf64(head, name),
            FileKind::Elf32 => other(System::Linux),
            FileKind::Pe64 => portable::<pe::ImageNtHeaders64>(head),
            FileKind::Pe32 => portable::<pe::ImageNtHeaders32>(head),
            FileKind::MachO64 => mach(head),
            FileKind::MachO32 => other(System::MacOs),
            FileKind::MachOFat32 => fat::<macho::FatArch32>(head, name),
            FileKind::MachOFat64 => fat::<macho::FatArch64>(head, name),
            _ => None,
        }
    }

    fn new(system: System, machines: Vec<Machine>, role: Role) -> Self {
        Self { system, machines, role, starts: role == Role::Program }
    }

    /// The platform that it is for, if it is one that we build for.
    pub(super) fn platform(&self) -> Option<&'static str> {
        let has = |machine| self.machines.contains(&machine);
        match self.system {
            System::Linux if has(Machine::X86_64) => Some("linux-x86_64"),
            System::Linux if has(Machine::Aarch64) => Some("linux-aarch64"),
            System::Windows if has(Machine::X86_64) || has(Machine::X86) => Some("windows-x86_64"),
            System::MacOs if has(Machine::X86_64) || has(Machine::Aarch64) => Some("macos-universal"),
            _ => None,
        }
    }
}

impl fmt::Display for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let system = match self.system {
            System::Linux => "Linux",
            System::Windows => "Windows",
            System::MacOs => "macOS",
        };
        let role = if self.role == Role::Program { "program" } else { "library" };
        let machine = |machine: &Machine| match machine {
            Machine::X86_64 => "x86-64",
            Machine::X86 => "32-bit x86",
            Machine::Aarch64 => "ARM64",
            Machine::Other => "another machine",
        };
        let machines: Vec<_> = self.machines.iter().map(machine).collect();
        write!(f, "a {system} {role} for {}", machines.join(" and "))
    }
}

/// The platform that a tree is published for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) system: System,
    // `None`: any machine that the system supports.
    machine: Option<Machine>,
}

impl Target {
    pub(super) fn parse(platform: &str) -> Result<Self> {
        let (system, machine) = match platform {
            "linux-x86_64" => (System::Linux, Some(Machine::X86_64)),
            "linux-aarch64" => (System::Linux, Some(Machine::Aarch64)),
            "windows-x86_64" => (System::Windows, Some(Machine::X86_64)),
            "macos-universal" => (System::MacOs, None),
            _ => {
                let known = "linux-x86_64, linux-aarch64, windows-x86_64, macos-universal";
                let meant = Platform::meant(platform).map(|meant| format!("; did you mean {meant:?}?"));
                let reason = format!("{platform:?} is not one of {known}{}", meant.unwrap_or_default());
                return Err(Error::invalid("platform", reason));
            }
        };
        Ok(Self { system, machine })
    }

    pub(super) fn runs(self, binary: &Binary) -> bool {
        let has = |machine| binary.machines.contains(&machine);
        let fits = match self.machine {
            // Windows starts 32-bit programs, and they bring their own libraries.
            Some(machine) => has(machine) || (self.system == System::Windows && has(Machine::X86)),
            None => has(Machine::X86_64) || has(Machine::Aarch64),
        };
        fits && binary.system == self.system
    }

    /// Whether a file needs an exec bit to be started on this platform.
    pub(super) fn has_exec_bits(self) -> bool {
        self.system != System::Windows
    }
}

/// Whether a file is a .NET program, which Windows starts like any other.
pub(super) fn is_managed_program(head: &[u8]) -> bool {
    let is_program = match FileKind::parse(head) {
        Ok(FileKind::Pe64) => portable_role::<pe::ImageNtHeaders64>(head),
        Ok(FileKind::Pe32) => portable_role::<pe::ImageNtHeaders32>(head),
        _ => None,
    };
    matches!(is_program, Some((_, Role::Program, true)))
}

#[expect(clippy::unnecessary_wraps, reason = "an arm of a match whose other arms may return nothing")]
fn other(system: System) -> Option<Binary> {
    Some(Binary::new(system, vec![Machine::Other], Role::Library))
}

fn elf64(head: &[u8], name: &str) -> Option<Binary> {
    let header = elf::FileHeader64::<Endianness>::parse(head).ok()?;
    let endian = header.endian().ok()?;
    let machine = match header.e_machine(endian) {
        elf::EM_X86_64 => Machine::X86_64,
        elf::EM_AARCH64 if header.is_little_endian() => Machine::Aarch64,
        _ => Machine::Other,
    };
    let has_loader = || {
        let segments = header.program_headers(endian, head).unwrap_or_default();
        segments.iter().any(|segment| segment.p_type(endian) == elf::PT_INTERP)
    };
    let is_bare = || !name.contains('.') && header.e_entry(endian) != 0;
    let role = match header.e_type(endian) {
        elf::ET_EXEC => Role::Program,
        // glibc also names a loader, but is a library; a statically linked program names none.
        elf::ET_DYN if !name.contains(".so") && (has_loader() || is_bare()) => Role::Program,
        elf::ET_DYN => Role::Library,
        _ => return None,
    };
    // Whatever its name: a position-independent program that is linked statically looks like a library otherwise.
    let starts = role == Role::Program || (header.e_entry(endian) != 0 && !name.contains(".so"));
    Some(Binary { starts, ..Binary::new(System::Linux, vec![machine], role) })
}

fn portable<Headers: ImageNtHeaders>(head: &[u8]) -> Option<Binary> {
    let (machine, role, is_managed) = portable_role::<Headers>(head)?;
    (!is_managed).then(|| Binary::new(System::Windows, vec![machine], role))
}

/// The machine and role of a PE, and whether it contains code for .NET instead of a machine.
fn portable_role<Headers: ImageNtHeaders>(head: &[u8]) -> Option<(Machine, Role, bool)> {
    let mut offset = pe::ImageDosHeader::parse(head).ok()?.nt_headers_offset().into();
    let (headers, directories) = Headers::parse(head, &mut offset).ok()?;
    let runtime = directories.get(pe::IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR);
    let is_managed = runtime.is_some_and(|directory| directory.virtual_address.get(LE) != 0);
    let header = headers.file_header();
    let machine = match header.machine.get(LE) {
        pe::IMAGE_FILE_MACHINE_AMD64 => Machine::X86_64,
        pe::IMAGE_FILE_MACHINE_I386 => Machine::X86,
        pe::IMAGE_FILE_MACHINE_ARM64 => Machine::Aarch64,
        _ => Machine::Other,
    };
    let is_library = (header.characteristics.get(LE) & pe::IMAGE_FILE_DLL).0 != 0;
    Some((machine, if is_library { Role::Library } else { Role::Program }, is_managed))
}

fn mach(head: &[u8]) -> Option<Binary> {
    let header = macho::MachHeader64::<Endianness>::parse(head, 0).ok()?;
    let endian = header.endian().ok()?;
    let role = match header.filetype(endian) {
        macho::MH_EXECUTE => Role::Program,
        macho::MH_DYLIB | macho::MH_BUNDLE | macho::MH_DYLINKER => Role::Library,
        _ => return None,
    };
    let machine = mach_machine(header.cputype(endian));
    Some(Binary::new(System::MacOs, vec![machine], role))
}

fn mach_machine(cpu: macho::CpuType) -> Machine {
    match cpu {
        macho::CPU_TYPE_X86_64 => Machine::X86_64,
        macho::CPU_TYPE_ARM64 => Machine::Aarch64,
        _ => Machine::Other,
    }
}

fn fat<Fat: FatArch>(head: &[u8], name: &str) -> Option<Binary> {
    let file = MachOFatFile::<Fat>::parse(head).ok()?;
    if file.header().nfat_arch.get(BigEndian) > MAX_FAT_ARCHITECTURES {
        return None;
    }
    let machines = file.arches().iter().map(|arch| mach_machine(arch.cputype())).collect();
    // Its content is far beyond the head, so the name decides about its role.
    let is_library = [".dylib", ".bundle", ".so", ".a"].iter().any(|suffix| name.ends_with(suffix));
    let role = if is_library { Role::Library } else { Role::Program };
    Some(Binary::new(System::MacOs, machines, role))
}
