//! Rows of byte strings, and outputs that do not hold the rows they should.

use super::*;

fn tensor(dtype: DType, shape: &[usize], bytes: Vec<u8>) -> Tensor {
    Tensor {
        desc: TensorDesc {
            index: 0,
            dtype,
            shape: Shape::from(shape),
            byte_size: bytes.len(),
        },
        bytes: bytes.into(),
    }
}

#[test]
fn byte_strings_are_cut_between_rows() {
    let elements: [&[u8]; 6] = [b"a", b"", b"ccc", b"dd", b"", b"f"];
    let tensor = tensor(DType::Bytes, &[3, 2], strings::encode(elements).unwrap());
    let cutter = Cutter::new(&tensor, 3).unwrap();
    let check = |rows: Range<usize>| {
        let cut = cutter.rows(rows.clone());
        let count = cut.desc.shape.element_count().unwrap();
        let expected = &elements[rows.start * 2..rows.end * 2];
        assert_eq!(strings::decode(&cut.bytes, count).unwrap(), expected);
        assert_eq!(cut.desc.byte_size, cut.bytes.len());
    };
    for start in 0..=3 {
        for end in start..=3 {
            check(start..end);
        }
    }
}

#[test]
fn an_output_with_other_rows_cannot_be_cut() {
    let check = |dtype, shape: &[usize], bytes: Vec<u8>| {
        let tensor = tensor(dtype, shape, bytes);
        assert_eq!(Cutter::new(&tensor, 3).err(), Some(WrongRows));
    };
    check(DType::Uint8, &[], vec![0]);
    check(DType::Uint8, &[2, 3], vec![0; 6]);
    check(DType::Bytes, &[3], vec![0; 8]);
}
