//! What is written is read back the same, and equal inputs are written the same.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use std::io::Cursor;

use nav_package_format::numpy::{Limits, read_npy, read_npz, write_npy, write_npz};
use nav_package_format::{DType, Shape, TensorData};
use proptest::prelude::*;

fn bytes_for(dtype: DType, count: usize) -> BoxedStrategy<Vec<u8>> {
    match dtype {
        DType::Bool => prop::collection::vec(0..=1_u8, count).boxed(),
        // NumPy pads strings with zeros, so one cannot end in them.
        DType::Bytes => prop::collection::vec("(.{0,5}[^\0])?", count)
            .prop_map(|strings| {
                let encode = |string: String| {
                    let mut bytes = u32::try_from(string.len()).unwrap().to_le_bytes().to_vec();
                    bytes.extend(string.into_bytes());
                    bytes
                };
                strings.into_iter().flat_map(encode).collect()
            })
            .boxed(),
        _ => prop::collection::vec(any::<u8>(), count * dtype.element_size().unwrap()).boxed(),
    }
}

fn tensors() -> impl Strategy<Value = TensorData> {
    let shapes = prop::collection::vec(0..5_usize, 0..4).prop_map(Shape::new);
    (prop::sample::select(DType::ALL), shapes).prop_flat_map(|(dtype, shape)| {
        bytes_for(dtype, shape.element_count().unwrap())
            .prop_map(move |bytes| TensorData::new(dtype, shape.clone(), bytes).unwrap())
    })
}

fn archive(arrays: &[(String, TensorData)]) -> Vec<u8> {
    let views = arrays
        .iter()
        .map(|(name, tensor)| (name.as_str(), tensor.view()));
    write_npz(Cursor::new(Vec::new()), views)
        .unwrap()
        .into_inner()
}

proptest! {
    #[test]
    fn an_array_of_any_type_comes_back(tensor in tensors()) {
        let mut file = Vec::new();
        write_npy(&mut file, tensor.view()).unwrap();
        let elements_start = file.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        prop_assert_eq!(elements_start % 64, 0);
        prop_assert_eq!(read_npy(&file[..], &Limits::default()).unwrap(), tensor);
    }

    #[test]
    fn an_archive_comes_back_in_its_order_and_is_always_the_same(
        tensors in prop::collection::vec(tensors(), 0..4),
        names in prop::collection::hash_set("[a-z/é.\\\\ ]{0,6}", 4),
    ) {
        let arrays: Vec<_> = names.into_iter().zip(tensors).collect();
        let file = archive(&arrays);
        prop_assert_eq!(&archive(&arrays), &file);
        prop_assert_eq!(read_npz(Cursor::new(&file), &Limits::default()).unwrap(), arrays);
    }
}

#[test]
fn what_an_array_cannot_keep_is_an_error() {
    let check = |tensor: TensorData, expected: &str| {
        let error = write_npy(Vec::new(), tensor.view()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    let zero_at_the_end = vec![1, 0, 0, 0, b'a', 2, 0, 0, 0, b'a', 0];
    check(
        TensorData::new(DType::Bytes, Shape::from([2]), zero_at_the_end).unwrap(),
        "element 1 ends in a zero byte, which an .npy file cannot keep",
    );
    check(
        TensorData::new(DType::Uint8, Shape::from([1; 65]), vec![0]).unwrap(),
        "65 dimensions are more than the 64 that NumPy can hold",
    );
}

#[test]
fn an_archive_cannot_hold_one_name_twice() {
    let tensor = TensorData::new(DType::Uint8, Shape::default(), vec![0]).unwrap();
    let arrays = [("a\n", tensor.view()), ("a\n", tensor.view())];
    let error = write_npz(Cursor::new(Vec::new()), arrays).unwrap_err();
    assert_eq!(error.to_string(), "array `a\\n`");
}
