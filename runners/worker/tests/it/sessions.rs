//! Several sessions of one model, and outputs that are kept.

use nav_package_format::DType;

use crate::runners::{ADD, FAULTY, Fault, IDENTITY, tensor};
use crate::support::{PATIENT, ask, ask_for, load, run, session};

#[test]
fn sessions_on_several_threads_share_one_child_and_mix_nothing_up() {
    let model = load(ADD, "m", PATIENT).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4_u16 {
            let model = &model;
            scope.spawn(move || {
                let mut session = session(model);
                for round in 0..50_u16 {
                    let number = |index, value: u16| {
                        let bytes = f32::from(value).to_le_bytes().repeat(100);
                        tensor(index, DType::Fp32, &[100], bytes)
                    };
                    let inputs = [number(0, thread * 1000), number(1, round)];
                    let outputs = run(session.as_mut(), &inputs).unwrap();
                    assert_eq!(outputs[0], number(0, thread * 1000 + round));
                }
            });
        }
    });
    let model = load(FAULTY, "m", PATIENT).unwrap();
    let (mut one, mut other) = (session(&model), session(&model));
    let process = ask_for(one.as_mut(), Fault::ProcessId).unwrap();
    assert_eq!(ask_for(other.as_mut(), Fault::ProcessId), Ok(process));
}

#[test]
fn outputs_that_are_kept_stay_as_they_are_however_many_they_are() {
    let model = load(FAULTY, "m", PATIENT).unwrap();
    let mut session = session(&model);
    let ask = |session: &mut dyn nav_runners::Session, number: i64| {
        let x = tensor(0, DType::Int64, &[], number.to_le_bytes().into());
        run(session, &[x]).unwrap().remove(0).bytes
    };
    let kept: Vec<_> = (0..20)
        .map(|number| ask(session.as_mut(), number))
        .collect();
    for (number, bytes) in (0..20_i64).zip(&kept) {
        assert_eq!(bytes[..], number.to_le_bytes());
    }
}

#[test]
fn outputs_outlive_their_session_their_model_and_its_child() {
    let model = load(IDENTITY, "m", PATIENT).unwrap();
    let mut session = session(&model);
    let input = tensor(1, DType::Uint8, &[100_000], vec![7; 100_000]);
    let outputs = run(session.as_mut(), std::slice::from_ref(&input)).unwrap();
    drop(session);
    drop(model);
    assert_eq!(outputs[0], input);
}

#[test]
fn memory_is_used_again_once_its_outputs_are_dropped() {
    let model = load(IDENTITY, "m", PATIENT).unwrap();
    let mut session = session(&model);
    let input = tensor(1, DType::Uint8, &[9], vec![7; 9]);
    let mut address = || {
        let outputs = run(session.as_mut(), std::slice::from_ref(&input)).unwrap();
        outputs[0].bytes.as_ptr().addr()
    };
    assert_eq!(address(), address());
}

#[test]
fn a_session_may_end_while_another_runs() {
    let model = load(FAULTY, "m", PATIENT).unwrap();
    let mut stays = session(&model);
    std::thread::scope(|scope| {
        let stays = scope.spawn(|| {
            let mut stays = session(&model);
            (0..200)
                .map(|number| ask(stays.as_mut(), number))
                .collect::<Vec<_>>()
        });
        for number in 0..20 {
            let mut goes = session(&model);
            assert_eq!(ask(goes.as_mut(), number), Ok(number));
        }
        let answers = stays.join().unwrap();
        assert_eq!(answers, (0..200).map(Ok).collect::<Vec<_>>());
    });
    assert_eq!(ask(stays.as_mut(), 1), Ok(1));
}
