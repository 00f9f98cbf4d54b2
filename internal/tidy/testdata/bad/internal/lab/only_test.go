package lab // want `no test file has a package comment`
