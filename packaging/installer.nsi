; The installer for Windows: for this user alone, without administrator, into %LOCALAPPDATA%\V-Sekai\bin.
; makensis -DVERSION=0.1.0 -DPROGRAM=vsekai.exe -DSTUB=vsekai-stub.exe -DICON=vsekai.ico -DLICENCES=FOLDER -DOUT=setup.exe installer.nsi

Target amd64-unicode
SetCompressor /SOLID lzma
Name "V-Sekai updater"
OutFile "${OUT}"
InstallDir "$LOCALAPPDATA\V-Sekai\bin"
RequestExecutionLevel user
Icon "${ICON}"
UninstallIcon "${ICON}"
VIProductVersion "${VERSION}.0"
VIAddVersionKey ProductName "V-Sekai updater"
VIAddVersionKey CompanyName "V-Sekai"
VIAddVersionKey FileDescription "Installs the vsekai command"
VIAddVersionKey FileVersion "${VERSION}"
VIAddVersionKey LegalCopyright "MIT License"

!define KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\V-Sekai updater"

!include FileFunc.nsh

Page directory
Page instfiles
UninstPage uninstConfirm
UninstPage instfiles

Section
	SetOutPath "$INSTDIR"
	; A running one can be renamed, but not replaced.
	Delete "$INSTDIR\vsekai.exe.old"
	Rename "$INSTDIR\vsekai.exe" "$INSTDIR\vsekai.exe.old"
	File "/oname=vsekai.exe" "${PROGRAM}"
	Delete "$INSTDIR\vsekai.exe.old"
	; What `vsekai integrate` copies into an install; it never runs from here.
	File "/oname=vsekai-stub.exe" "${STUB}"
	File "${LICENCES}\LICENSE"
	File "${LICENCES}\THIRD-PARTY-LICENSES.txt"
	WriteUninstaller "$INSTDIR\uninstall.exe"
	WriteRegStr HKCU "${KEY}" DisplayName "V-Sekai updater"
	WriteRegStr HKCU "${KEY}" DisplayVersion "${VERSION}"
	WriteRegStr HKCU "${KEY}" DisplayIcon "$INSTDIR\vsekai.exe"
	WriteRegStr HKCU "${KEY}" Publisher "V-Sekai"
	WriteRegStr HKCU "${KEY}" InstallLocation "$INSTDIR"
	WriteRegStr HKCU "${KEY}" UninstallString '"$INSTDIR\uninstall.exe"'
	WriteRegStr HKCU "${KEY}" QuietUninstallString '"$INSTDIR\uninstall.exe" /S'
	${GetSize} "$INSTDIR" "/S=0K" $0 $1 $2
	WriteRegDWORD HKCU "${KEY}" EstimatedSize $0
	WriteRegDWORD HKCU "${KEY}" NoModify 1
	WriteRegDWORD HKCU "${KEY}" NoRepair 1
SectionEnd

Section Uninstall
	Delete "$INSTDIR\vsekai.exe"
	Delete "$INSTDIR\vsekai.exe.old"
	Delete "$INSTDIR\vsekai-stub.exe"
	Delete "$INSTDIR\LICENSE"
	Delete "$INSTDIR\THIRD-PARTY-LICENSES.txt"
	Delete "$INSTDIR\uninstall.exe"
	RMDir "$INSTDIR"
	; Games and their launcher stay, and their folder with them.
	RMDir "$LOCALAPPDATA\V-Sekai"
	; Where launchers, games and the command install themselves; nothing is in it any more once all are uninstalled.
	RMDir "$LOCALAPPDATA\vsekai"
	DeleteRegKey HKCU "${KEY}"
SectionEnd
