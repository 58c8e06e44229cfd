"""What tests of every service share: real servers, fresh databases, signed tokens, clients for people."""
