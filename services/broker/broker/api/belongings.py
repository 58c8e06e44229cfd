"""For auth, which collects exports: everything that is one person's here."""

from kit.belongings import router_of

from broker.store.belongings import TOLD

router = router_of(TOLD)
