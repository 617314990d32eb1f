"""The reference company, and stand-ins for services that can not be reached."""
