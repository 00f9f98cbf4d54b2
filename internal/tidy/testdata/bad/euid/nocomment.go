package euid // want `package euid has no package comment`
