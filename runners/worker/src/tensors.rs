//! Tensors in `run` and `done` frames: a description and where its bytes lie in a slot.
//!
//! Says whether a description is well formed. Whether it fits the model or the slot is for others to say.

use nav_package_format::{DType, Shape};
use nav_runners::TensorDesc;
use smallvec::SmallVec;

use crate::frame::{Frame, FrameError, FrameWriter};

/// A tensor whose bytes lie in a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) desc: TensorDesc,
    pub(crate) offset: usize,
}

/// Element types in the order of their numbers.
const DTYPES: [DType; 14] = [
    DType::Bool,
    DType::Uint8,
    DType::Uint16,
    DType::Uint32,
    DType::Uint64,
    DType::Int8,
    DType::Int16,
    DType::Int32,
    DType::Int64,
    DType::Fp16,
    DType::Bf16,
    DType::Fp32,
    DType::Fp64,
    DType::Bytes,
];

/// Adds how many tensors there are, and each of them.
pub(crate) fn write(
    frame: &mut FrameWriter,
    descs: &[TensorDesc],
    offsets: &[usize],
) -> Result<(), FrameError> {
    let too_long = |_| FrameError::TooLong;
    frame.u32(u32::try_from(descs.len()).map_err(too_long)?);
    for (desc, &offset) in descs.iter().zip(offsets) {
        frame
            .u32(u32::try_from(desc.index).map_err(too_long)?)
            .u16(u16::try_from(desc.shape.len()).map_err(too_long)?)
            .u8(code(desc.dtype))
            .u8(0)
            .size(offset)
            .size(desc.byte_size);
        for &extent in desc.shape.iter() {
            frame.size(extent);
        }
    }
    Ok(())
}

/// Reads the tensors that end a frame.
pub(crate) fn read(frame: &mut Frame<'_>) -> Result<SmallVec<[Placed; 4]>, FrameError> {
    let count = frame.u32()?;
    // Nothing is reserved for a count that the frame may not keep.
    let mut tensors = SmallVec::new();
    for _ in 0..count {
        tensors.push(read_one(frame)?);
    }
    frame.end()?;
    Ok(tensors)
}

fn read_one(frame: &mut Frame<'_>) -> Result<Placed, FrameError> {
    let index = frame.u32()?;
    let index = usize::try_from(index).map_err(|_| frame.invalid("position", index))?;
    let rank = frame.u16()?;
    let dtype = frame.u8()?;
    let dtype = *DTYPES
        .get(usize::from(dtype))
        .ok_or_else(|| frame.invalid("element type", dtype))?;
    let zero = frame.u8()?;
    if zero != 0 {
        return Err(frame.invalid("reserved byte", zero));
    }
    let offset = frame.size("offset")?;
    let byte_size = frame.size("size")?;
    let extents = (0..rank).map(|_| frame.size("extent"));
    let shape = extents.collect::<Result<Shape, FrameError>>()?;
    let desc = TensorDesc {
        index,
        dtype,
        shape,
        byte_size,
    };
    Ok(Placed { desc, offset })
}

/// The number of an element type. It is written out so that no change to the type itself renumbers it.
const fn code(dtype: DType) -> u8 {
    match dtype {
        DType::Bool => 0,
        DType::Uint8 => 1,
        DType::Uint16 => 2,
        DType::Uint32 => 3,
        DType::Uint64 => 4,
        DType::Int8 => 5,
        DType::Int16 => 6,
        DType::Int32 => 7,
        DType::Int64 => 8,
        DType::Fp16 => 9,
        DType::Bf16 => 10,
        DType::Fp32 => 11,
        DType::Fp64 => 12,
        DType::Bytes => 13,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frame::Kind;

    fn packet(placed: &[Placed]) -> Vec<u8> {
        let descs: Vec<_> = placed.iter().map(|placed| placed.desc.clone()).collect();
        let offsets: Vec<_> = placed.iter().map(|placed| placed.offset).collect();
        let mut writer = FrameWriter::default();
        writer.begin(Kind::Done);
        write(&mut writer, &descs, &offsets).unwrap();
        writer.finish().unwrap().to_vec()
    }

    fn parse(packet: &[u8]) -> Result<SmallVec<[Placed; 4]>, FrameError> {
        read(&mut Frame::parse(packet)?)
    }

    /// The packet with a header that fits its new length, so that only the body is at fault.
    fn with_body(packet: &[u8], body: &[u8]) -> Vec<u8> {
        let mut packet = packet[..12].to_vec();
        packet[8..12].copy_from_slice(&u32::try_from(body.len()).unwrap().to_le_bytes());
        packet.extend_from_slice(body);
        packet
    }

    fn any_placed() -> impl Strategy<Value = Placed> {
        let extents = prop::collection::vec(any::<usize>(), 0..6);
        let dtype = prop::sample::select(DType::ALL);
        (0..9_usize, dtype, extents, any::<usize>(), any::<usize>()).prop_map(
            |(index, dtype, extents, byte_size, offset)| Placed {
                desc: TensorDesc {
                    index,
                    dtype,
                    shape: Shape::new(extents),
                    byte_size,
                },
                offset,
            },
        )
    }

    #[test]
    fn every_element_type_has_the_number_of_its_place() {
        for &dtype in DType::ALL {
            assert_eq!(DTYPES[usize::from(code(dtype))], dtype);
        }
    }

    #[test]
    fn an_unknown_element_type_is_refused() {
        let placed = Placed {
            desc: TensorDesc {
                index: 0,
                dtype: DType::Bool,
                shape: Shape::default(),
                byte_size: 1,
            },
            offset: 0,
        };
        let mut packet = packet(&[placed]);
        packet[12 + 4 + 6] = 14;
        let error = parse(&packet).unwrap_err().to_string();
        assert_eq!(
            error,
            "it sent a `done` frame with an invalid element type: 14"
        );
    }

    #[test]
    fn a_count_or_rank_beyond_the_frame_reserves_nothing() {
        let header = packet(&[]);
        let huge_count = with_body(&header, &u32::MAX.to_le_bytes());
        assert_eq!(parse(&huge_count), Err(FrameError::Cut { kind: "done" }));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(placed in prop::collection::vec(any_placed(), 0..5)) {
            prop_assert_eq!(parse(&packet(&placed)).unwrap().to_vec(), placed);
        }

        #[test]
        fn a_body_cut_anywhere_is_refused(placed in prop::collection::vec(any_placed(), 1..4)) {
            let packet = packet(&placed);
            let body = &packet[12..];
            for end in 0..body.len() {
                prop_assert!(parse(&with_body(&packet, &body[..end])).is_err());
            }
            let mut longer = body.to_vec();
            longer.push(0);
            prop_assert!(parse(&with_body(&packet, &longer)).is_err());
        }

        #[test]
        fn no_body_makes_reading_panic(body in prop::collection::vec(any::<u8>(), 0..99)) {
            let packet = with_body(&packet(&[]), &body);
            if let Ok(tensors) = parse(&packet) {
                prop_assert!(tensors.len() <= body.len() / 24);
            }
        }
    }
}
