"""Where prices come from outside: one small module for each source, all behind `port.Provider`."""
