"""For auth, which collects exports: everything that is one person's here."""

from kit.belongings import router_of

from notification.store.belongings import HIDDEN, TOLD

router = router_of(TOLD, HIDDEN)
