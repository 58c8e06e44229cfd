"""For auth's own collector: everything that is one person's here."""

from kit.belongings import router_of

from auth.store.belongings import HIDDEN, TOLD

router = router_of(TOLD, HIDDEN, as_worker=True)
