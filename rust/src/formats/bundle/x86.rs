//! Makes machine code of x86-64 more compressible, reversibly.
//!
//! An instruction names a target by the distance to it. So the same target looks different from each place, and where
//! code has grown, every reference across the growth has changed. With distances replaced by positions in the file,
//! references to the same target look the same, and relative to the old version only targets that have moved differ.
//!
//! This is a pattern search, not a disassembler: data that merely looks like an instruction is converted too, and
//! converted back. It is reversible for any input, because the bytes that decide what to convert never change. Jumps
//! are left alone: they usually stay within a function and move together with their target.
//!
//! Comparable to the E8 translation of LZX and the BCJ filter of xz.

use super::stream::Piece;

/// Range of positions in a file, in bytes: distances that lead outside it are left alone. A power of two far above any
/// program's length; the smaller it is, the less data that is not code is converted.
const PLACES: i64 = 1 << 27;

/// Longest pattern, in bytes: three bytes and a distance.
const MAX_PATTERN_BYTES: usize = 7;

#[derive(Clone, Copy)]
enum Direction {
    ToPlaces,
    ToDistances,
}

/// Replaces distances by positions.
pub fn encode(bytes: &mut [u8], pieces: &[Piece]) {
    convert_all(bytes, pieces, Direction::ToPlaces);
}

/// Reverses [`encode`].
pub fn decode(bytes: &mut [u8], pieces: &[Piece]) {
    convert_all(bytes, pieces, Direction::ToDistances);
}

fn convert_all(bytes: &mut [u8], pieces: &[Piece], direction: Direction) {
    for piece in pieces {
        if let Some(bytes) = bytes.get_mut(piece.bytes.clone()) {
            convert(bytes, piece.offset, direction);
        }
    }
}

fn convert(bytes: &mut [u8], offset: u64, direction: Direction) {
    let mut at = 0;
    while let Some(found) = candidate(bytes, at) {
        at = found;
        let Some(window) = bytes.get(at..at + MAX_PATTERN_BYTES) else { return };
        let Some(opcode_bytes) = opcode_bytes(window) else {
            at += 1;
            continue;
        };
        let field = at + opcode_bytes..at + opcode_bytes + 4;
        at = field.end;
        // Usually, a distance counts from the end of its field.
        let here = offset.saturating_add(at as u64);
        if let (Ok(here), Some(field)) = (i64::try_from(here), bytes.get_mut(field)) {
            convert_field(field, here, direction);
        }
    }
}

/// A distance leads into the file if it is at least `-here` and less than `PLACES - here`. The conversion permutes the
/// values from `-here` to `PLACES`, so that it is reversible and never yields a number outside that range.
fn convert_field(field: &mut [u8], here: i64, direction: Direction) {
    let Ok(raw) = <[u8; 4]>::try_from(&*field) else { return };
    let value = i64::from(i32::from_le_bytes(raw));
    if here >= PLACES || value < -here || value >= PLACES {
        return;
    }
    let converted = match direction {
        Direction::ToPlaces if value < PLACES - here => value + here,
        Direction::ToPlaces => value - PLACES,
        Direction::ToDistances if value >= 0 => value - here,
        Direction::ToDistances => value + PLACES,
    };
    if let Ok(converted) = i32::try_from(converted) {
        field.copy_from_slice(&converted.to_le_bytes());
    }
}

/// Position of the next possible instruction with a distance, from `at` on. Misses none, and has few false positives.
///
/// Tests sixteen positions together without a branch, which compilers turn into vector instructions: most of a program
/// is skipped here, so this is where the time goes.
fn candidate(bytes: &[u8], mut at: usize) -> Option<usize> {
    const TOGETHER: usize = 16;
    while let Some(block) = bytes.get(at..at + TOGETHER + 2) {
        let mut may_begin = [0_u8; TOGETHER];
        let windows = block.iter().zip(&block[1..]).zip(&block[2..]);
        for (flag, ((first, second), third)) in may_begin.iter_mut().zip(windows) {
            *flag = may_be_opcode(*first, *second, *third);
        }
        let flags = u128::from_le_bytes(may_begin);
        if flags != 0 {
            return Some(at + flags.trailing_zeros() as usize / 8);
        }
        at += TOGETHER;
    }
    let rest = bytes.get(at..)?.windows(3);
    rest.into_iter().position(|three| may_be_opcode(three[0], three[1], three[2]) != 0).map(|found| at + found)
}

/// 1 for every instruction that [`opcode_bytes`] knows, and for some others.
#[inline]
fn may_be_opcode(first: u8, second: u8, third: u8) -> u8 {
    let is_call = u8::from(first == 0xe8);
    let is_through_table = u8::from(first == 0xff) & u8::from(second & 0xcf == 0x05);
    let is_of_memory = (u8::from(first & 0xfb == 0x48) | u8::from(first == 0x0f)) & u8::from(is_by_place(third));
    is_call | is_through_table | is_of_memory
}

/// How many bytes precede the distance, if an instruction with a distance begins here.
fn opcode_bytes(window: &[u8]) -> Option<usize> {
    let [first, second, third, ..] = *window else { return None };
    match first {
        // call
        0xe8 => Some(1),
        // call and jmp through a table
        0xff if matches!(second, 0x15 | 0x25) => Some(2),
        // 64-bit operands
        0x48 | 0x4c if is_of_memory(second) && is_by_place(third) => Some(3),
        // vectors, floating point, extended loads
        0x0f if is_of_memory_two(second) && is_by_place(third) => Some(3),
        _ => None,
    }
}

/// Whether the operand is relative to the instruction pointer: a ModR/M byte with `mod` 0 and `rm` 5.
fn is_by_place(modrm: u8) -> bool {
    modrm & 0xc7 == 0x05
}

/// One-byte opcodes: add, sub, cmp, test, mov, lea, movsxd.
fn is_of_memory(opcode: u8) -> bool {
    matches!(opcode, 0x03 | 0x2b | 0x39 | 0x3b | 0x63 | 0x85 | 0x89 | 0x8b | 0x8d)
}

/// Two-byte opcodes: movups, movaps, cvtsi2sd, ucomiss, comiss, sqrt, and, xor, add, mul, cvt, sub, min, div, max,
/// movd, movdqa, movzx, movsx.
fn is_of_memory_two(opcode: u8) -> bool {
    matches!(
        opcode,
        0x10 | 0x11 | 0x28..=0x2a | 0x2e | 0x2f | 0x51 | 0x54 | 0x57..=0x5f | 0x6f | 0x7e | 0x7f | 0xb6 | 0xb7 | 0xbe
            | 0xd6
    )
}

/// Whether the bytes may be machine code, so that the filter is worth a try: they have enough calls to nearby targets.
pub fn is_likely(bytes: &[u8]) -> bool {
    const BYTES_A_CALL: usize = 1_000;
    let is_call = |window: &&[u8]| matches!(*window, [0xe8, .., 0x00 | 0xff]);
    // In random data, one window in 32,768 looks like one.
    bytes.windows(5).filter(is_call).count() > bytes.len() / BYTES_A_CALL
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bytes with many patterns that look like instructions.
    fn any_code() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            any::<u8>(),
            prop::sample::select(vec![0xe8, 0xe9, 0xff, 0x15, 0x25, 0x48, 0x4c, 0x8b, 0x8d, 0x05, 0x0f, 0x28, 0, 0xff]),
        ];
        prop::collection::vec(byte, 0..300)
    }

    proptest! {
        #[test]
        fn whatever_is_converted_is_converted_back(
            bytes in any_code(),
            cuts in (0_usize..300, 0_usize..300),
            offset in prop_oneof![0_u64..1_000, (1_u64 << 27) - 400..(1 << 27) + 10, Just(u64::MAX - 5)],
        ) {
            let cut = |at: usize| at.min(bytes.len());
            let (first, second) = (cut(cuts.0.min(cuts.1)), cut(cuts.0.max(cuts.1)));
            let pieces = [Piece { bytes: 0..first, offset }, Piece { bytes: second..bytes.len(), offset: 7 }];
            let mut converted = bytes.clone();
            encode(&mut converted, &pieces);
            decode(&mut converted, &pieces);
            prop_assert_eq!(converted, bytes);
        }
    }

    proptest! {
        #[test]
        fn no_instruction_is_passed_over(bytes in any_code(), from in 0_usize..300) {
            let found = |at: &usize| bytes.get(*at..at + MAX_PATTERN_BYTES).is_some_and(|w| opcode_bytes(w).is_some());
            let first = (from..bytes.len()).find(found);
            let mut at = candidate(&bytes, from);
            while let Some(place) = at.filter(|at| !found(at)) {
                at = candidate(&bytes, place + 1);
            }
            prop_assert_eq!(at, first);
        }
    }

    #[test]
    fn calls_to_one_target_look_the_same() {
        // Calls the same target from 0 and from 100.
        let mut bytes = vec![0x90; 200];
        for (at, distance) in [(0_usize, 5_000_i32 - 5), (100, 5_000 - 105)] {
            bytes[at] = 0xe8;
            bytes[at + 1..at + 5].copy_from_slice(&distance.to_le_bytes());
        }
        encode(&mut bytes, &[Piece { bytes: 0..200, offset: 0 }]);
        assert_eq!(bytes[1..5], 5_000_i32.to_le_bytes());
        assert_eq!(bytes[1..5], bytes[101..105]);
    }

    #[test]
    fn pieces_past_the_end_are_left_alone() {
        let mut bytes = vec![0xe8; 20];
        encode(&mut bytes, &[Piece { bytes: 10..30, offset: 0 }]);
        assert_eq!(bytes, [0xe8; 20]);
    }

    #[test]
    fn noise_is_not_taken_for_code() {
        let mut random = fastrand::Rng::with_seed(3);
        let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(1 << 20).collect();
        assert!(!is_likely(&noise));
    }
}
