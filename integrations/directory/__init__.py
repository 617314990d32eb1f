"""Who works at the company: from a file, or from the company's own directory over LDAP or SCIM."""
