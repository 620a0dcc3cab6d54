//! A struct with a nested map: what a service would hold, through many histories.

use crate::laws::seeds;
use rejoin::{
    CausalMap, Delta, DeltaState, EnableFlag, LwwRegister, Merge, OrSet, PnCounter, ReplicaId,
    Timestamp, WriteError, laws,
    wire::{self, Wire},
};

#[derive(Clone, Debug, Default, PartialEq, Merge, DeltaState, Wire)]
struct Inbox {
    title: LwwRegister<String>,
    unread: CausalMap<String, CausalMap<u8, PnCounter>>,
    labels: CausalMap<u8, CausalMap<u8, OrSet<u8>>>,
    muted: CausalMap<u8, EnableFlag>,
}

fn edit(
    inbox: &mut Inbox,
    choice: u64,
    by: ReplicaId,
    now: Timestamp,
) -> Result<InboxDelta, WriteError> {
    let rest = choice / 10;
    let [user, chat, label] = [rest % 2, rest / 2 % 2, rest / 4 % 3].map(|it| it as u8);
    let name = || format!("user {user}");
    Ok(match choice % 10 {
        0..=2 => InboxDelta::unread(inbox.unread.entry(name()).entry(chat).increment(rest, by)?),
        3 => InboxDelta::unread(inbox.unread.entry(name()).remove(&chat, by)?),
        4 => InboxDelta::unread(inbox.unread.remove(&name(), by)?),
        5 => InboxDelta::labels(inbox.labels.entry(user).entry(chat).insert(label, by)?),
        6 => InboxDelta::labels(inbox.labels.entry(user).entry(chat).remove(&label, by)?),
        7 => InboxDelta::muted(inbox.muted.entry(chat).enable(by)?),
        8 => InboxDelta::title(inbox.title.set(name(), by, now)?),
        _ => inbox.edit(|inbox| {
            let labels = InboxDelta::labels(inbox.labels.remove(&user, by)?);
            let unread = inbox.unread.entry(name()).entry(chat).decrement(1, by)?;
            Ok::<_, WriteError>(labels.joined(InboxDelta::unread(unread)))
        })?,
    })
}

/// As many as `REJOIN_HISTORIES` says.
#[test]
fn a_struct_with_nested_maps_keeps_the_laws() {
    laws::delta_histories(seeds(), &Inbox::default(), |inbox, choice, by, now| {
        edit(inbox, choice, by, now).ok()
    })
    .unwrap();
}

#[test]
fn it_has_bytes_and_its_delta_too() {
    let (us, now) = (crate::replica("us"), crate::at(7));
    let (mut ours, mut theirs) = (Inbox::default(), Inbox::default());
    for choice in 0..200 {
        let delta = wire::to_bytes(&edit(&mut ours, choice * 7, us, now).unwrap());
        wire::apply_bytes(&mut theirs, &delta).unwrap();
    }
    assert_eq!(ours, theirs);
    assert_eq!(wire::from_bytes::<Inbox>(&wire::to_bytes(&ours)).unwrap(), ours);
}
