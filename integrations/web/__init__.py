"""The web pages: chat for employees, the list of cases for tier 2. Server-rendered; scripts only add comfort."""
