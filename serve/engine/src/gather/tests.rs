//! Whatever the pieces and the rows, what is gathered is what a plain concatenation would be, and what is
//! scattered is what each call's own rows are.

use bytes::Bytes;
use nav_package_format::{DType, Shape};
use nav_runners::Tensor;
use proptest::prelude::*;

use super::*;
use crate::request::Frames;
use crate::scatter::{Cutter, cutters};

/// A call whose inputs have these rows, cut into pieces of this length.
fn call(rows: usize, widths: &[usize], fill: u8, piece: usize) -> Call {
    let mut descs = SmallVec::new();
    let mut frames = SmallVec::new();
    for (index, width) in widths.iter().enumerate() {
        let size = rows * width;
        let bytes: Vec<u8> = (0..size)
            .map(|at| fill ^ u8::try_from(at % 251).unwrap())
            .collect();
        let pieces: Frames = bytes.chunks(piece).map(Bytes::copy_from_slice).collect();
        descs.push(TensorDesc {
            index,
            dtype: DType::Uint8,
            shape: Shape::from([rows, *width]),
            byte_size: size,
        });
        frames.push(pieces);
    }
    Call {
        id: None,
        descs,
        frames,
        outputs: SmallVec::new(),
        parameters: Vec::new(),
        correlation: None,
        priority: 1,
        timeout: None,
        deadline: None,
        rows,
    }
}

fn joined(call: &Call, input: usize) -> Vec<u8> {
    call.frames[input].concat()
}

fn strategy() -> impl Strategy<Value = (Vec<usize>, Vec<(usize, u8, usize)>)> {
    let calls = prop::collection::vec((0_usize..5, any::<u8>(), 1_usize..9), 1..6);
    (prop::collection::vec(0_usize..7, 1..4), calls)
}

proptest! {
    #[test]
    fn scattering_gives_back_what_was_gathered((widths, calls) in strategy()) {
        let calls: Vec<Call> = calls
            .into_iter()
            .map(|(rows, fill, piece)| call(rows, &widths, fill, piece))
            .collect();
        let descs = describe(calls.iter());
        let mut memory: Vec<Vec<u8>> = descs.iter().map(|desc| vec![0xAA; desc.byte_size]).collect();
        let lent = memory.iter_mut().map(Vec::as_mut_slice).collect();
        prop_assert!(copy(calls.iter(), lent));
        let rows: usize = calls.iter().map(|call| call.rows).sum();
        for (input, desc) in descs.iter().enumerate() {
            let expected: Vec<u8> = calls.iter().flat_map(|call| joined(call, input)).collect();
            prop_assert_eq!(&memory[input], &expected);
            prop_assert_eq!(&*desc.shape, &[rows, widths[input]][..]);
        }
        // An identity model, whose outputs are its inputs.
        let outputs: Vec<Tensor> = descs
            .into_iter()
            .zip(memory)
            .map(|(desc, bytes)| Tensor { desc, bytes: bytes.into() })
            .collect();
        let cutters = cutters(&outputs, rows).unwrap();
        let mut start = 0;
        for call in &calls {
            for (input, cutter) in cutters.iter().enumerate() {
                let tensor = cutter.rows(start..start + call.rows);
                prop_assert_eq!(&tensor.bytes[..], &joined(call, input)[..]);
                prop_assert_eq!(&tensor.desc, &call.descs[input]);
            }
            start += call.rows;
        }
    }

    #[test]
    fn memory_of_another_size_is_noticed(size in 0_usize..12) {
        let calls = [call(2, &[3], 1, 4)];
        let mut memory = vec![0; size];
        let lent = std::iter::once(&mut memory[..]).collect();
        prop_assert_eq!(copy(calls.iter(), lent), size == 6);
    }
}

#[test]
fn slices_share_the_memory_that_the_runner_wrote() {
    let bytes = Bytes::from(vec![7; 12]);
    let tensor = Tensor {
        desc: call(4, &[3], 0, 9).descs[0].clone(),
        bytes: bytes.clone(),
    };
    let cut = Cutter::new(&tensor, 4).unwrap().rows(1..3);
    assert_eq!(cut.bytes.as_ptr(), bytes[3..].as_ptr());
}
