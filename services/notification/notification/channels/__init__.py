"""The ways out to people, each behind one port."""
