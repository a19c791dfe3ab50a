//! The calls of Windows that std does not make. All `unsafe` code for Windows is in this file; each function takes and
//! returns safe types, and none keeps a pointer beyond its call.

#![expect(unsafe_code, reason = "the functions of Windows are foreign")]

use std::fs::File;
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::ptr;

use windows_sys::Win32::Foundation::{CloseHandle, LocalFree, STILL_ACTIVE};
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::{DACL_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION, SetFileSecurityW};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, GetDiskFreeSpaceExW, GetFileInformationByHandle, LOCKFILE_EXCLUSIVE_LOCK,
    LOCKFILE_FAIL_IMMEDIATELY, LockFileEx, UnlockFileEx,
};
use windows_sys::Win32::System::IO::{DeviceIoControl, OVERLAPPED};
use windows_sys::Win32::System::Ioctl::FSCTL_SET_SPARSE;
use windows_sys::Win32::System::RestartManager::{
    CCH_RM_SESSION_KEY, RM_PROCESS_INFO, RmEndSession, RmGetList, RmRegisterResources, RmStartSession,
};
use windows_sys::Win32::System::Threading::{GetExitCodeProcess, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION};

/// Most programs that are named as holders of a file.
const MAX_HOLDERS: usize = 8;

/// What tells a file from all others, and how many names it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Information {
    /// The volume, and the file's number there.
    pub(super) identity: (u64, u64),
    pub(super) links: u64,
}

/// Reads [`Information`] of an open file or folder.
pub(super) fn information(file: &File) -> io::Result<Information> {
    let mut found = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open for as long as `file` lives, and `found` is as large as the function expects.
    let is_done = unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut found) };
    done(is_done)?;
    let number = u64::from(found.nFileIndexHigh) << 32 | u64::from(found.nFileIndexLow);
    let identity = (u64::from(found.dwVolumeSerialNumber), number);
    Ok(Information { identity, links: u64::from(found.nNumberOfLinks) })
}

/// Bytes that this user may still write on the disk of a folder.
pub(super) fn free_bytes(folder: &Path) -> io::Result<u64> {
    let (folder, mut free) = (wide(folder.as_os_str()), 0);
    // SAFETY: the path ends with a zero, `free` is a u64, and the two other results are not asked for.
    done(unsafe { GetDiskFreeSpaceExW(folder.as_ptr(), &raw mut free, ptr::null_mut(), ptr::null_mut()) })?;
    Ok(free)
}

/// Bytes of the disk of a folder that this user may use, free or not.
pub(super) fn total_bytes(folder: &Path) -> io::Result<u64> {
    let (folder, mut total) = (wide(folder.as_os_str()), 0);
    // SAFETY: the path ends with a zero, `total` is a u64, and the two other results are not asked for.
    done(unsafe { GetDiskFreeSpaceExW(folder.as_ptr(), ptr::null_mut(), &raw mut total, ptr::null_mut()) })?;
    Ok(total)
}

/// Locks one byte at `offset`, without waiting. The system releases it when the file is closed.
pub(super) fn lock_byte(file: &File, offset: u64, is_exclusive: bool) -> io::Result<()> {
    let kind = if is_exclusive { LOCKFILE_EXCLUSIVE_LOCK } else { 0 };
    let mut place = at(offset);
    // SAFETY: the handle is open, and the call has ended when it returns, since the file is not opened for overlapped use.
    done(unsafe { LockFileEx(file.as_raw_handle(), kind | LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &raw mut place) })
}

/// Releases what [`lock_byte`] has locked.
pub(super) fn unlock_byte(file: &File, offset: u64) -> io::Result<()> {
    let mut place = at(offset);
    // SAFETY: as in `lock_byte`.
    done(unsafe { UnlockFileEx(file.as_raw_handle(), 0, 1, 0, &raw mut place) })
}

/// Lets a file have holes: NTFS would otherwise write zeros up to the place of each write.
pub(super) fn set_sparse(file: &File) -> io::Result<()> {
    let mut returned = 0;
    // SAFETY: the handle is open; this control code takes no input and gives no output.
    done(unsafe {
        DeviceIoControl(
            file.as_raw_handle(),
            FSCTL_SET_SPARSE,
            ptr::null(),
            0,
            ptr::null_mut(),
            0,
            &raw mut returned,
            ptr::null_mut(),
        )
    })
}

/// Whether a process with this number runs. One that this user may not ask about counts as running.
pub(super) fn is_process(number: u32) -> bool {
    const DENIED: i32 = 5;
    // SAFETY: takes numbers alone; the handle is closed below.
    let process = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, number) };
    if process.is_null() {
        return io::Error::last_os_error().raw_os_error() == Some(DENIED);
    }
    let mut code = 0;
    // SAFETY: the handle is open, and `code` is a u32.
    let is_known = unsafe { GetExitCodeProcess(process, &raw mut code) } != 0;
    // SAFETY: the handle is open, and not used afterwards.
    unsafe { CloseHandle(process) };
    !is_known || code == STILL_ACTIVE.cast_unsigned()
}

/// Lets only the owner and the system into a file or folder, and into what is created in it.
pub(super) fn keep_private(path: &Path) -> io::Result<()> {
    // Protected from inheritance; full access for the owner and the system, also to what is created inside.
    let rules = wide("D:P(A;OICI;FA;;;OW)(A;OICI;FA;;;SY)".as_ref());
    let (path, mut descriptor) = (wide(path.as_os_str()), ptr::null_mut());
    // SAFETY: the text ends with a zero; `descriptor` receives memory that is freed below.
    done(unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            rules.as_ptr(),
            SDDL_REVISION_1,
            &raw mut descriptor,
            ptr::null_mut(),
        )
    })?;
    let what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
    // SAFETY: the path ends with a zero, and the descriptor was made by the system.
    let outcome = done(unsafe { SetFileSecurityW(path.as_ptr(), what, descriptor) });
    // SAFETY: the system allocated it for us to free, and it is not used afterwards.
    unsafe { LocalFree(descriptor) };
    outcome
}

/// Who may do what with a file or folder, in the words of the system; `WD` is everyone, `BU` are all users.
#[cfg(test)]
pub(super) fn rules(path: &Path) -> io::Result<String> {
    use windows_sys::Win32::Security::Authorization::ConvertSecurityDescriptorToStringSecurityDescriptorW;
    use windows_sys::Win32::Security::GetFileSecurityW;
    let path = wide(path.as_os_str());
    // As the API wants it, the memory is aligned for pointers.
    let mut descriptor = [0_u64; 512];
    let (size, mut needed) = (u32::try_from(size_of_val(&descriptor)).unwrap(), 0);
    let at = descriptor.as_mut_ptr().cast();
    // SAFETY: the path ends with a zero, and `at` has room for `size` bytes.
    done(unsafe { GetFileSecurityW(path.as_ptr(), DACL_SECURITY_INFORMATION, at, size, &raw mut needed) })?;
    let (mut text, mut units) = (ptr::null_mut(), 0);
    // SAFETY: the descriptor was written by the system; `text` receives memory that is freed below.
    done(unsafe {
        ConvertSecurityDescriptorToStringSecurityDescriptorW(
            at,
            SDDL_REVISION_1,
            DACL_SECURITY_INFORMATION,
            &raw mut text,
            &raw mut units,
        )
    })?;
    // SAFETY: the system wrote this many units, the last of which is a zero.
    let words = unsafe { std::slice::from_raw_parts(text, usize::try_from(units).unwrap()) };
    let said = String::from_utf16_lossy(words).trim_end_matches('\0').to_owned();
    // SAFETY: the system allocated it for us to free, and it is not used afterwards.
    unsafe { LocalFree(text.cast()) };
    Ok(said)
}

/// The programs that have one of these files open, as far as the Restart Manager knows.
pub(super) fn holders(files: &[&Path]) -> Vec<String> {
    let mut session = 0;
    let mut key = [0; CCH_RM_SESSION_KEY as usize + 1];
    // SAFETY: `key` has room for a session's key and its zero.
    if unsafe { RmStartSession(&raw mut session, 0, key.as_mut_ptr()) } != 0 {
        return Vec::new();
    }
    let names: Vec<Vec<u16>> = files.iter().map(|file| wide(file.as_os_str())).collect();
    let pointers: Vec<*const u16> = names.iter().map(Vec::as_ptr).collect();
    let count = u32::try_from(pointers.len()).unwrap_or(0);
    // SAFETY: `count` pointers to texts that end with a zero and live until the call returns; no other kinds are given.
    let is_asked =
        unsafe { RmRegisterResources(session, count, pointers.as_ptr(), 0, ptr::null(), 0, ptr::null()) == 0 };
    let mut found = [RM_PROCESS_INFO::default(); MAX_HOLDERS];
    let (mut needed, mut filled, mut reasons) = (0, u32::try_from(MAX_HOLDERS).unwrap_or(0), 0);
    // SAFETY: `found` has room for as many entries as `filled` says.
    let is_told = is_asked
        && unsafe { RmGetList(session, &raw mut needed, &raw mut filled, found.as_mut_ptr(), &raw mut reasons) == 0 };
    // SAFETY: ends the session that was begun above.
    unsafe { RmEndSession(session) };
    let filled = if is_told { usize::try_from(filled).unwrap_or(0).min(MAX_HOLDERS) } else { 0 };
    let name = |info: &RM_PROCESS_INFO| {
        let text = info.strAppName;
        let end = text.iter().position(|unit| *unit == 0).unwrap_or(text.len());
        format!("{} (process {})", String::from_utf16_lossy(&text[..end]), info.Process.dwProcessId)
    };
    found[..filled].iter().map(name).collect()
}

fn at(offset: u64) -> OVERLAPPED {
    let mut place = OVERLAPPED::default();
    let low = u32::try_from(offset & u64::from(u32::MAX)).unwrap_or(0);
    let high = u32::try_from(offset >> 32).unwrap_or(0);
    place.Anonymous.Anonymous.Offset = low;
    place.Anonymous.Anonymous.OffsetHigh = high;
    place
}

fn wide(text: &std::ffi::OsStr) -> Vec<u16> {
    text.encode_wide().chain([0]).collect()
}

fn done(answer: i32) -> io::Result<()> {
    if answer == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
